//! Two threads by hand: they take pieces of the events in turn, keep hash maps, and send each other the events that the
//! other one owns, in batches through channels.

use std::{
    hash::Hash,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::{
    Event,
    workers::{PIECE, Sent, Workers, owner_of},
};
use crate::runtime::WORKERS;

/// Events of a batch.
const BATCH: usize = 1000;
/// Batches in a channel.
const ROOM: usize = 16;

/// Two threads and channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand;

/// Runs one thread for each worker; returns what they return.
fn on_all<S: Send>(work: impl Fn(usize) -> S + Sync) -> Vec<S> {
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ends by itself")).collect()
    })
}

/// The pieces that no thread has taken yet.
struct Pieces<'a> {
    events: &'a [Event],
    next: AtomicUsize,
}

impl<'a> Pieces<'a> {
    const fn of(events: &'a [Event]) -> Self {
        Self { events, next: AtomicUsize::new(0) }
    }

    fn take(&self) -> Option<&'a [Event]> {
        let begin = self.next.fetch_add(PIECE, Ordering::Relaxed);
        let rest = self.events.get(begin..)?;
        Some(&rest[..rest.len().min(PIECE)]).filter(|piece| !piece.is_empty())
    }
}

impl Workers for Hand {
    fn folded<S: Default + Send + 'static>(
        events: &Arc<[Event]>,
        fold: impl Fn(&mut S, &Event) + Send + Sync + 'static,
    ) -> Vec<S> {
        let pieces = Pieces::of(events);
        on_all(|_| {
            let mut state = S::default();
            while let Some(piece) = pieces.take() {
                for event in piece {
                    fold(&mut state, event);
                }
            }
            state
        })
    }

    fn exchanged<T: Sent, Q: Hash, S: Default + 'static, R: Send + 'static>(
        events: &Arc<[Event]>,
        keep: impl Fn(&Event) -> Option<T> + Send + Sync + 'static,
        key: impl Fn(&T) -> Q + Send + Sync + 'static,
        fold: impl Fn(&mut S, T) + Send + Sync + 'static,
        finish: impl Fn(S) -> R + Send + Sync + 'static,
    ) -> Vec<R> {
        let pieces = Pieces::of(events);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| bounded(ROOM)).unzip();
        // Each thread owns the only sender to the other one, so that its end is seen.
        let senders: Vec<_> = senders.into_iter().rev().map(|sender| Mutex::new(Some(sender))).collect();
        on_all(|me| {
            let sender = senders[me].lock().expect("no thread panics").take();
            let incoming = &receivers[me];
            let mut state = S::default();
            let mut open = Vec::with_capacity(BATCH);
            while let Some(piece) = pieces.take() {
                for event in piece {
                    let Some(item) = keep(event) else { continue };
                    if owner_of(&key(&item)) == me {
                        fold(&mut state, item);
                        continue;
                    }
                    open.push(item);
                    if open.len() == BATCH {
                        send(
                            sender.as_ref(),
                            std::mem::replace(&mut open, Vec::with_capacity(BATCH)),
                            || {
                                incoming.try_iter().flatten().for_each(|item| fold(&mut state, item));
                            },
                        );
                    }
                }
                incoming.try_iter().flatten().for_each(|item| fold(&mut state, item));
            }
            send(sender.as_ref(), open, || {
                incoming.try_iter().flatten().for_each(|item| fold(&mut state, item));
            });
            drop(sender);
            incoming.iter().flatten().for_each(|item| fold(&mut state, item));
            finish(state)
        })
    }
}

/// Sends a batch; while the channel is full, calls `meanwhile`.
fn send<T>(sender: Option<&Sender<Vec<T>>>, mut batch: Vec<T>, mut meanwhile: impl FnMut()) {
    let Some(sender) = sender else { return };
    while let Err(TrySendError::Full(back)) = sender.try_send(batch) {
        batch = back;
        meanwhile();
        thread::yield_now();
    }
}
