//! Timely with two workers, each with half of the pieces of events; what needs an exchange is sent by timely.

use std::{cell::RefCell, hash::Hash, rc::Rc, sync::Arc};

use timely::{
    Config,
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::{ToStream, generic::Operator},
    },
    worker::Worker,
};

use super::{
    Event,
    workers::{Sent, Workers, owner_of, places},
};
use crate::runtime::WORKERS;

/// Two workers of timely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timely;

impl Workers for Timely {
    fn folded<S: Default + Send + 'static>(
        events: &Arc<[Event]>,
        fold: impl Fn(&mut S, &Event) + Send + Sync + 'static,
    ) -> Vec<S> {
        let (events, fold) = (Arc::clone(events), Arc::new(fold));
        let workers = timely::execute(Config::process(WORKERS), move |worker| {
            let mine = places(events.len(), worker.index(), worker.peers());
            let state = Rc::new(RefCell::new(S::default()));
            let (folded, events, fold) = (Rc::clone(&state), Arc::clone(&events), Arc::clone(&fold));
            worker.dataflow::<u64, _, _>(|scope| {
                mine.to_stream(scope).container::<Vec<_>>().sink(Pipeline, "fold", move |(input, _)| {
                    input.for_each_time(|_, batches| {
                        let mut state = folded.borrow_mut();
                        for place in batches.flat_map(|batch: &mut Vec<usize>| batch.drain(..)) {
                            fold(&mut state, &events[place]);
                        }
                    });
                });
            });
            run(worker);
            state.take()
        });
        let states = workers.expect("timely starts").join().into_iter();
        states.map(|state| state.expect("a worker ends by itself")).collect()
    }

    fn exchanged<T: Sent, Q: Hash, S: Default + 'static, R: Send + 'static>(
        events: &Arc<[Event]>,
        keep: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
        key: impl Fn(&T) -> Q + Send + Sync + 'static,
        fold: impl Fn(&mut S, T) + Send + Sync + 'static,
        finish: impl Fn(S) -> R + Send + Sync + 'static,
    ) -> Vec<R> {
        let (events, keep, key, fold) = (Arc::clone(events), Arc::new(keep), Arc::new(key), Arc::new(fold));
        let workers = timely::execute(Config::process(WORKERS), move |worker| {
            let mine = places(events.len(), worker.index(), worker.peers());
            let (events, keep, key) = (Arc::clone(&events), Arc::clone(&keep), Arc::clone(&key));
            let mine = mine.filter_map(move |place| keep(&events[place]));
            let state = Rc::new(RefCell::new(S::default()));
            let (folded, fold) = (Rc::clone(&state), Arc::clone(&fold));
            worker.dataflow::<u64, _, _>(|scope| {
                let by_key = Exchange::new(move |item: &T| owner_of(&key(item)) as u64);
                mine.to_stream(scope).container::<Vec<_>>().sink(by_key, "fold", move |(input, _)| {
                    input.for_each_time(|_, batches| {
                        let mut state = folded.borrow_mut();
                        for item in batches.flat_map(|batch: &mut Vec<T>| batch.drain(..)) {
                            fold(&mut state, item);
                        }
                    });
                });
            });
            run(worker);
            finish(state.take())
        });
        let results = workers.expect("timely starts").join().into_iter();
        results.map(|result| result.expect("a worker ends by itself")).collect()
    }
}

/// Runs the dataflows of a worker to their end.
fn run(worker: &mut Worker) {
    while worker.has_dataflows() {
        worker.step_or_park(None);
    }
}
