//! The observations of the stages of a case, in one order.

use std::collections::VecDeque;

use stage_core::ExitReason;
use stage_core::subscribe::{CancelKind, Cancellation, Role, Subscription};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{settle, soon, warnings};

/// An observation of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Demand(usize),
    Batch(Vec<u64>),
    Subscribed(Role),
    /// The side of the peer, the kind of end, and its reason.
    Cancelled(Role, CancelKind, String),
    Note(&'static str),
    Discarded(usize),
    Ended(String),
}

/// An observation, with the name of its stage and the subscription.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) by: &'static str,
    pub(crate) seen: Seen,
    pub(crate) subscription: Option<Subscription>,
}

/// Writes into a book, for one stage.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    name: &'static str,
    entries: UnboundedSender<Entry>,
}

impl Log {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn note(&self, seen: Seen) {
        self.write(seen, None);
    }

    pub(crate) fn by(&self, subscription: &Subscription, seen: Seen) {
        self.write(seen, Some(subscription.clone()));
    }

    pub(crate) fn cancelled(&self, peer: Role, subscription: &Subscription, cancellation: &Cancellation) {
        let seen = Seen::Cancelled(peer, cancellation.kind, cancellation.reason.to_string());
        self.by(subscription, seen);
    }

    fn write(&self, seen: Seen, subscription: Option<Subscription>) {
        // A stage may outlive the case.
        let _ = self.entries.send(Entry { by: self.name, seen, subscription });
    }
}

/// All observations that have not been read.
#[derive(Debug)]
pub(crate) struct Book {
    sender: UnboundedSender<Entry>,
    receiver: UnboundedReceiver<Entry>,
    unread: VecDeque<Entry>,
}

impl Book {
    pub(crate) fn new() -> Self {
        warnings::listen();
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver, unread: VecDeque::new() }
    }

    /// Returns the log of the stage with this name.
    pub(crate) fn log(&self, name: &'static str) -> Log {
        Log { name, entries: self.sender.clone() }
    }

    /// Waits for the first entry from which `wanted` returns a value, and takes it out of the book.
    #[track_caller]
    pub(crate) fn find<T>(&mut self, mut wanted: impl FnMut(&Entry) -> Option<T>) -> impl Future<Output = T> {
        let found = self.unread.iter().enumerate().find_map(|(at, entry)| Some((at, wanted(entry)?)));
        if let Some((at, _)) = &found {
            self.unread.remove(*at);
        }
        soon(async move {
            if let Some((_, found)) = found {
                return found;
            }
            loop {
                let entry = self.receiver.recv().await.expect("the book keeps a sender");
                if let Some(found) = wanted(&entry) {
                    return found;
                }
                self.unread.push_back(entry);
            }
        })
    }

    /// Returns the next batch that `by` handles.
    #[track_caller]
    pub(crate) fn batch(&mut self, by: &'static str) -> impl Future<Output = Vec<u64>> {
        self.find(move |entry| match &entry.seen {
            Seen::Batch(events) if entry.by == by => Some(events.clone()),
            _ => None,
        })
    }

    /// Returns the next demand of `by`.
    #[track_caller]
    pub(crate) fn demand(&mut self, by: &'static str) -> impl Future<Output = usize> {
        self.find(move |entry| match &entry.seen {
            Seen::Demand(demand) if entry.by == by => Some(*demand),
            _ => None,
        })
    }

    /// Waits for this observation of `by`.
    #[track_caller]
    pub(crate) fn seen(
        &mut self,
        by: &'static str,
        seen: Seen,
    ) -> impl Future<Output = Option<Subscription>> {
        self.find(move |entry| (entry.by == by && entry.seen == seen).then(|| entry.subscription.clone()))
    }

    /// Waits until `by` has observed the end of a subscription.
    #[track_caller]
    pub(crate) fn cancelled(
        &mut self,
        by: &'static str,
        peer: Role,
        kind: CancelKind,
        reason: &ExitReason,
    ) -> impl Future<Output = Option<Subscription>> {
        self.seen(by, Seen::Cancelled(peer, kind, reason.to_string()))
    }

    /// Lets everything settle, and takes out all entries.
    pub(crate) async fn settled_entries(&mut self) -> Vec<Entry> {
        settle().await;
        while let Ok(entry) = self.receiver.try_recv() {
            self.unread.push_back(entry);
        }
        self.unread.drain(..).collect()
    }

    /// Lets everything settle, and takes out all observations.
    pub(crate) async fn settled(&mut self) -> Vec<(&'static str, Seen)> {
        let entries = self.settled_entries().await;
        entries.into_iter().map(|entry| (entry.by, entry.seen)).collect()
    }

    /// Lets everything settle, and takes out the observations of `by`; all others are dropped.
    pub(crate) async fn settled_of(&mut self, by: &'static str) -> Vec<Seen> {
        let all = self.settled().await;
        all.into_iter().filter(|(name, _)| *name == by).map(|(_, seen)| seen).collect()
    }

    /// Lets everything settle, and takes out the batches that `by` handled; the rest is dropped.
    pub(crate) async fn batches(&mut self, by: &'static str) -> Vec<Vec<u64>> {
        let seen = self.settled_of(by).await;
        seen.into_iter()
            .filter_map(|seen| if let Seen::Batch(events) = seen { Some(events) } else { None })
            .collect()
    }
}
