//! A partition dispatcher for timed flows: sends each event to its key's partition, and the sender's progress
//! to all partitions.
//!
//! A partition that receives no event of an emission gets a progress mark instead, behind the events kept for
//! it, and only if its demand exceeds what it was sent: marks never wait in a backlog. A partition without
//! demand gets only the latest mark, when it asks again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use stage_core::Demand;
use stage_core::dispatch::{
    DispatchOptions, Dispatcher, Marker, Outbox, PartitionDispatcher, PartitionError, SubscriptionKey,
};
use stage_core::subscribe::SubscribeError;

use super::{Progress, Stamped};

/// A partition dispatcher that announces the sender's progress.
pub(super) struct Announcing<D, T> {
    inner: D,
    seen: Arc<Seen>,
    partitions: Vec<Told>,
    /// Marks to be passed to the inner dispatcher; empty between calls.
    marks: Vec<Stamped<T>>,
}

/// The demand of a partition and the progress last announced to it.
#[derive(Clone, Debug)]
struct Told {
    key: Option<SubscriptionKey>,
    asked: u64,
    front: Progress,
}

/// The progress and the routing counts, shared with the route function. Only one thread at a time accesses
/// it, so all orderings are relaxed.
#[derive(Debug)]
struct Seen {
    reached: AtomicI64,
    idle: AtomicBool,
    /// The partition that got the last event; `usize::MAX` if a mark came after it.
    last: AtomicUsize,
    /// The number of events and marks sent to each partition.
    routed: Box<[AtomicU64]>,
}

impl Seen {
    fn new(partitions: usize) -> Self {
        Self {
            reached: AtomicI64::new(i64::MIN),
            idle: AtomicBool::new(false),
            last: AtomicUsize::new(usize::MAX),
            routed: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn front(&self) -> Progress {
        Progress { reached: self.reached.load(Ordering::Relaxed), idle: self.idle.load(Ordering::Relaxed) }
    }

    fn advance(&self, front: Progress, by: usize) {
        self.reached.store(front.reached, Ordering::Relaxed);
        self.idle.store(front.idle, Ordering::Relaxed);
        self.last.store(by, Ordering::Relaxed);
    }

    fn routed(&self, to: usize) -> u64 {
        self.routed.get(to).map_or(0, |routed| routed.load(Ordering::Relaxed))
    }

    fn count(&self, to: usize) {
        if let Some(routed) = self.routed.get(to) {
            routed.store(routed.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// Routes an event with `route`, and a mark to the partition it is addressed to.
    fn send<T>(
        &self,
        item: Stamped<T>,
        route: &mut impl FnMut(Stamped<T>) -> Option<(Stamped<T>, usize)>,
    ) -> Option<(Stamped<T>, usize)> {
        let progress = item.progress();
        match item {
            Stamped::Event(..) => {
                let (event, to) = route(item)?;
                self.advance(progress, to);
                self.count(to);
                Some((event, to))
            }
            Stamped::Mark(_, Some(to)) => {
                self.count(to);
                Some((item, to))
            }
            // `tell` announces it to each partition with a mark of its own.
            Stamped::Mark(_, None) => {
                self.advance(progress, usize::MAX);
                None
            }
        }
    }
}

impl<T: Send + 'static> Announcing<(), T> {
    /// Creates a dispatcher that sends each event to the partition that `route` returns.
    ///
    /// # Errors
    ///
    /// Fails if there are no partitions.
    pub(super) fn new<F>(
        partitions: usize,
        mut route: F,
    ) -> Result<Announcing<impl Dispatcher<Stamped<T>> + 'static, T>, PartitionError>
    where
        F: FnMut(Stamped<T>) -> Option<(Stamped<T>, usize)> + Send + 'static,
    {
        let seen = Arc::new(Seen::new(partitions));
        let shared = Arc::clone(&seen);
        let inner = PartitionDispatcher::routed(partitions, move |item| shared.send(item, &mut route))?;
        let told = Told { key: None, asked: 0, front: Progress::UNKNOWN };
        Ok(Announcing { inner, seen, partitions: vec![told; partitions], marks: Vec::new() })
    }
}

impl<D, T> fmt::Debug for Announcing<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcing").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}

impl<D: Dispatcher<Stamped<T>>, T> Announcing<D, T> {
    /// Sends the sender's progress to partitions that have demand and do not know it yet.
    fn tell(&mut self, outbox: &mut Outbox<Stamped<T>>) {
        let front = self.seen.front();
        if front == Progress::UNKNOWN {
            return;
        }
        let last = self.seen.last.load(Ordering::Relaxed);
        for (number, partition) in self.partitions.iter_mut().enumerate() {
            if partition.front == front {
                continue;
            }
            if number == last {
                partition.front = front;
            } else if partition.asked > self.seen.routed(number) {
                partition.front = front;
                self.marks.push(Stamped::Mark(front, Some(number)));
            }
        }
        if self.marks.is_empty() {
            return;
        }
        self.inner.dispatch(&mut self.marks, outbox);
        // The marks that the inner dispatcher had no room for are announced at the next ask.
        for mark in self.marks.drain(..) {
            if let Stamped::Mark(_, Some(to)) = mark {
                self.partitions[to].front = Progress::UNKNOWN;
            }
        }
    }

    fn of(&mut self, key: SubscriptionKey) -> Option<(usize, &mut Told)> {
        self.partitions.iter_mut().enumerate().find(|(_, partition)| partition.key == Some(key))
    }

    /// Withdraws the unmet demand of a partition that leaves.
    fn leave(&mut self, key: SubscriptionKey) {
        let seen = Arc::clone(&self.seen);
        if let Some((number, partition)) = self.of(key) {
            partition.key = None;
            partition.asked = partition.asked.min(seen.routed(number));
            partition.front = Progress::UNKNOWN;
        }
    }
}

impl<D: Dispatcher<Stamped<T>>, T: Send> Dispatcher<Stamped<T>> for Announcing<D, T> {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: DispatchOptions<Stamped<T>>,
    ) -> Result<(), SubscribeError> {
        let takes = options.partition.clone();
        self.inner.subscribe(key, options)?;
        let numbered = self.partitions.iter_mut().enumerate();
        for (_, partition) in numbered.filter(|(number, _)| takes == Some((*number).into())) {
            partition.key = Some(key);
        }
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<Stamped<T>>) {
        self.leave(key);
        self.inner.cancel(key, outbox);
    }

    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<Stamped<T>>) {
        self.leave(key);
        self.inner.finish(key, outbox);
    }

    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<Stamped<T>>) -> usize {
        let back = events.len() as u64;
        if let Some((_, partition)) = self.of(key) {
            partition.asked = partition.asked.saturating_sub(back);
        }
        self.inner.take_back(key, events)
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<Stamped<T>>) {
        if let Some((_, partition)) = self.of(key) {
            partition.asked = partition.asked.saturating_add(demand.get() as u64);
        }
        self.inner.ask(key, demand, outbox);
        self.tell(outbox);
    }

    fn dispatch(&mut self, events: &mut Vec<Stamped<T>>, outbox: &mut Outbox<Stamped<T>>) {
        self.inner.dispatch(events, outbox);
        self.tell(outbox);
    }

    fn wanted(&self) -> usize {
        self.inner.wanted()
    }

    /// Includes the marks that wait for demand: the engine checks for asks only while something is kept.
    fn kept(&self) -> usize {
        let front = self.seen.front();
        let waits = |partition: &&Told| partition.key.is_some() && partition.front != front;
        let marks = if front == Progress::UNKNOWN { 0 } else { self.partitions.iter().filter(waits).count() };
        self.inner.kept() + marks
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.inner.mark(marker)
    }

    fn discard(&mut self) -> usize {
        let front = self.seen.front();
        for partition in &mut self.partitions {
            partition.front = front;
        }
        self.inner.discard()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;

    fn event(at: i64) -> Stamped<i64> {
        Stamped::Event(Stamp { at, watermark: at, reached: at }, at)
    }

    fn mark(reached: i64, to: usize) -> Stamped<i64> {
        Stamped::Mark(Progress { reached, idle: false }, Some(to))
    }

    type Sent = Vec<(usize, Stamped<i64>)>;

    fn sent(outbox: &mut Outbox<Stamped<i64>>) -> Sent {
        let number = |key| usize::from(key != SubscriptionKey::new(0));
        let mut all: Sent = Vec::new();
        for (to, events) in outbox.drain() {
            all.extend(events.into_iter().map(|event| (number(to), event)));
        }
        all.sort_by_key(|(to, _)| *to);
        all
    }

    fn by_parity(asked: [usize; 2]) -> (impl Dispatcher<Stamped<i64>>, Outbox<Stamped<i64>>) {
        let route = |item: Stamped<i64>| {
            let Stamped::Event(stamp, _) = item else { return None };
            Some((item, usize::from(stamp.at % 2 != 0)))
        };
        let mut dispatcher = Announcing::new(2, route).unwrap();
        let mut outbox = Outbox::new();
        for (partition, asked) in asked.into_iter().enumerate() {
            let key = SubscriptionKey::new(partition);
            dispatcher.subscribe(key, DispatchOptions::new().partition(partition)).unwrap();
            if let Some(demand) = Demand::new(asked) {
                dispatcher.ask(key, demand, &mut outbox);
            }
        }
        (dispatcher, outbox)
    }

    #[test]
    fn a_partition_without_events_gets_a_mark() {
        let (mut dispatcher, mut outbox) = by_parity([5, 5]);
        dispatcher.dispatch(&mut vec![event(2), event(4)], &mut outbox);
        assert_eq!(sent(&mut outbox), [(0, event(2)), (0, event(4)), (1, mark(4, 1))]);
        // Progress that all partitions know is not announced again.
        dispatcher.dispatch(&mut Vec::new(), &mut outbox);
        assert_eq!(sent(&mut outbox), []);
    }

    #[test]
    fn a_mark_of_the_stage_itself_goes_to_all() {
        let (mut dispatcher, mut outbox) = by_parity([5, 5]);
        dispatcher.dispatch(
            &mut vec![event(2), Stamped::Mark(Progress { reached: 7, idle: false }, None)],
            &mut outbox,
        );
        assert_eq!(sent(&mut outbox), [(0, event(2)), (0, mark(7, 0)), (1, mark(7, 1))]);
    }

    #[test]
    fn a_stalled_partition_gets_only_the_last_mark_after_its_kept_events() {
        let (mut dispatcher, mut outbox) = by_parity([9, 1]);
        dispatcher.dispatch(&mut vec![event(1), event(3), event(4)], &mut outbox);
        dispatcher.dispatch(&mut vec![event(6)], &mut outbox);
        dispatcher.dispatch(&mut vec![event(8)], &mut outbox);
        assert_eq!(sent(&mut outbox), [(0, event(4)), (0, event(6)), (0, event(8)), (1, event(1))]);
        assert_eq!(dispatcher.kept(), 2, "an event and a mark");
        dispatcher.ask(SubscriptionKey::new(1), Demand::new(4).unwrap(), &mut outbox);
        assert_eq!(sent(&mut outbox), [(1, event(3)), (1, mark(8, 1))]);
    }
}
