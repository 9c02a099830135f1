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
    workers::{Sent, Workers, hash_of},
};
use crate::runtime::WORKERS;

/// Events that a worker reads in a row.
const PIECE: usize = 4096;

/// Two workers of timely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timely;

/// Returns the places of the events that a worker reads.
fn places(events: usize, worker: usize, workers: usize) -> impl Iterator<Item = usize> + 'static {
    let pieces = (worker * PIECE..events).step_by(workers * PIECE);
    pieces.flat_map(move |first| first..events.min(first + PIECE))
}

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

    fn exchanged<T: Sent, Q: Hash, S: Default + Send + 'static>(
        events: &Arc<[Event]>,
        keep: impl Fn(&Event) -> Option<(Q, T)> + Send + Sync + 'static,
        fold: impl Fn(&mut S, T) + Send + Sync + 'static,
    ) -> Vec<S> {
        let (events, keep, fold) = (Arc::clone(events), Arc::new(keep), Arc::new(fold));
        let workers = timely::execute(Config::process(WORKERS), move |worker| {
            let mine = places(events.len(), worker.index(), worker.peers());
            let (events, keep) = (Arc::clone(&events), Arc::clone(&keep));
            let mine = mine.filter_map(move |place| {
                let (key, item) = keep(&events[place])?;
                Some((hash_of(&key), item))
            });
            let state = Rc::new(RefCell::new(S::default()));
            let (folded, fold) = (Rc::clone(&state), Arc::clone(&fold));
            worker.dataflow::<u64, _, _>(|scope| {
                // The highest bits are the best of this hash, and timely takes the lowest.
                let by_key = Exchange::new(|(hash, _): &(u64, T)| hash >> 32);
                mine.to_stream(scope).container::<Vec<_>>().sink(by_key, "fold", move |(input, _)| {
                    input.for_each_time(|_, batches| {
                        let mut state = folded.borrow_mut();
                        for (_, item) in batches.flat_map(|batch: &mut Vec<(u64, T)>| batch.drain(..)) {
                            fold(&mut state, item);
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
}

/// Runs the dataflows of a worker to their end.
fn run(worker: &mut Worker) {
    while worker.has_dataflows() {
        worker.step_or_park(None);
    }
}
