//! Timely with two workers, each with half of the pieces of events; what needs an exchange is sent by timely.

use std::{cell::RefCell, hash::Hash, rc::Rc, sync::Arc};

use timely::{
    dataflow::{
        channels::pact::{Exchange, ParallelizationContract, Pipeline},
        operators::{ToStream, generic::Operator},
    },
    worker::Worker,
};

use super::{
    Event,
    workers::{Sent, Workers, owner_of, places},
};
use crate::dataflow::on_workers;

/// Two workers of timely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timely;

/// Builds a dataflow that folds `items`, once they are where `pact` sends them.
fn folding<D: Clone + 'static, S: Default + 'static>(
    worker: &mut Worker,
    items: impl Iterator<Item = D> + 'static,
    pact: impl ParallelizationContract<u64, Vec<D>>,
    fold: impl Fn(&mut S, D) + 'static,
) -> Rc<RefCell<S>> {
    let state = Rc::new(RefCell::new(S::default()));
    let folded = Rc::clone(&state);
    worker.dataflow::<u64, _, _>(|scope| {
        items.to_stream(scope).container::<Vec<_>>().sink(pact, "fold", move |(input, _)| {
            input.for_each_time(|_, batches| {
                let mut state = folded.borrow_mut();
                for item in batches.flat_map(|batch: &mut Vec<D>| batch.drain(..)) {
                    fold(&mut state, item);
                }
            });
        });
    });
    state
}

impl Workers for Timely {
    fn folded<S: Default + Send + 'static>(
        events: &Arc<[Event]>,
        fold: impl Fn(&mut S, &Event) + Send + Sync + 'static,
    ) -> Vec<S> {
        let (events, fold) = (Arc::clone(events), Arc::new(fold));
        on_workers(move |worker| {
            let (events, fold) = (Arc::clone(&events), Arc::clone(&fold));
            let mine = places(events.len(), worker.index(), worker.peers());
            let state = folding(worker, mine, Pipeline, move |state, place| fold(state, &events[place]));
            move || state.take()
        })
    }

    fn exchanged<T: Sent, Q: Hash, S: Default + 'static, R: Send + 'static>(
        events: &Arc<[Event]>,
        keep: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
        key: impl Fn(&T) -> Q + Send + Sync + 'static,
        fold: impl Fn(&mut S, T) + Send + Sync + 'static,
        finish: impl Fn(S) -> R + Send + Sync + 'static,
    ) -> Vec<R> {
        let (events, keep, key) = (Arc::clone(events), Arc::new(keep), Arc::new(key));
        let (fold, finish) = (Arc::new(fold), Arc::new(finish));
        on_workers(move |worker| {
            let (events, keep, key) = (Arc::clone(&events), Arc::clone(&keep), Arc::clone(&key));
            let (fold, finish) = (Arc::clone(&fold), Arc::clone(&finish));
            let mine = places(events.len(), worker.index(), worker.peers());
            let mine = mine.filter_map(move |place| keep(&events[place]));
            let by_key = Exchange::new(move |item: &T| owner_of(&key(item)) as u64);
            let state = folding(worker, mine, by_key, move |state, item| fold(state, item));
            move || finish(state.take())
        })
    }
}
