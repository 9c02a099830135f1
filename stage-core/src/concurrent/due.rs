//! The events that wait for their next attempt, by the time at which they are due: pure.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, binary_heap::PeekMut};
use std::fmt;

use tokio::time::Instant;

/// Entries by the time at which they are due; those of the same time in the order in which they were added.
pub(super) struct DueQueue<E> {
    heap: BinaryHeap<Reverse<Due<E>>>,
    added: u64,
}

struct Due<E> {
    at: Instant,
    number: u64,
    entry: E,
}

impl<E> DueQueue<E> {
    pub(super) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), added: 0 }
    }

    pub(super) fn add(&mut self, at: Instant, entry: E) {
        self.heap.push(Reverse(Due { at, number: self.added, entry }));
        self.added += 1;
    }

    /// Takes the earliest entry, if it is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<E> {
        let earliest = self.heap.peek_mut().filter(|earliest| earliest.0.at <= now)?;
        Some(PeekMut::pop(earliest).0.entry)
    }

    /// Returns the time at which the earliest entry is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|earliest| earliest.0.at)
    }

    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<E> Due<E> {
    const fn rank(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<E> fmt::Debug for DueQueue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DueQueue").field("len", &self.len()).field("next", &self.next()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_are_taken_when_they_are_due_in_the_order_of_their_times_and_then_of_their_arrival(
            delays in prop::collection::vec(0..20_u64, 0..60),
            now in 0..20_u64,
        ) {
            let begin = Instant::now();
            let at = |delay| begin + Duration::from_millis(delay);
            let mut queue = DueQueue::new();
            let mut expected: Vec<_> = delays.iter().copied().enumerate().collect();
            for (number, delay) in &expected {
                queue.add(at(*delay), (*number, *delay));
            }
            expected.sort_by_key(|(number, delay)| (*delay, *number));
            prop_assert_eq!(queue.next(), expected.first().map(|(_, delay)| at(*delay)));
            let early: Vec<_> = std::iter::from_fn(|| queue.take(at(now))).collect();
            let split = expected.iter().filter(|(_, delay)| *delay <= now).count();
            prop_assert_eq!(&early[..], &expected[..split]);
            prop_assert_eq!(queue.len(), expected.len() - split);
            let late: Vec<_> = std::iter::from_fn(|| queue.take(at(20))).collect();
            prop_assert_eq!(&late[..], &expected[split..]);
        }
    }
}
