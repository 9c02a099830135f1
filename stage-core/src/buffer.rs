//! Events that nobody asked for yet: first in, first out, bounded.

use std::collections::VecDeque;

use crate::options::{Capacity, Keep};

/// A bounded queue of undemanded events.
#[derive(Debug)]
pub(crate) struct Buffer<E> {
    events: VecDeque<E>,
    capacity: Capacity,
    keep: Keep,
}

impl<E> Buffer<E> {
    pub(crate) fn new(capacity: Capacity, keep: Keep) -> Self {
        Self { events: VecDeque::new(), capacity, keep }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Stores all of `events` behind what is there; returns how many were discarded for want of room.
    pub(crate) fn store(&mut self, events: &mut Vec<E>) -> usize {
        let room = match self.capacity {
            Capacity::Unbounded => usize::MAX,
            Capacity::Bounded(capacity) => capacity.saturating_sub(self.events.len()),
        };
        let excess = events.len().saturating_sub(room);
        match self.keep {
            Keep::First => {
                events.truncate(events.len() - excess);
                self.events.extend(events.drain(..));
            }
            Keep::Last => {
                self.events.extend(events.drain(..));
                self.events.drain(..excess);
            }
        }
        excess
    }

    /// Forgets all events; says how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        self.events.drain(..).count()
    }

    /// Moves up to `most` of the oldest events to the end of `into`.
    pub(crate) fn take(&mut self, most: usize, into: &mut Vec<E>) {
        let taken = most.min(self.events.len());
        into.extend(self.events.drain(..taken));
    }

    /// Puts back, in front, what `take` moved out.
    pub(crate) fn put_back(&mut self, events: &mut Vec<E>) {
        for event in events.drain(..).rev() {
            self.events.push_front(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: Capacity, keep: Keep, batches: &[&[u32]]) -> (Vec<u32>, usize) {
        let mut buffer = Buffer::new(capacity, keep);
        let discarded = batches.iter().map(|batch| buffer.store(&mut batch.to_vec())).sum();
        let mut kept = Vec::new();
        buffer.take(usize::MAX, &mut kept);
        (kept, discarded)
    }

    #[test]
    fn keep_last_discards_the_oldest() {
        assert_eq!(filled(Capacity::Bounded(3), Keep::Last, &[&[1, 2], &[3, 4]]), (vec![2, 3, 4], 1));
        assert_eq!(filled(Capacity::Bounded(3), Keep::Last, &[&[1, 2, 3, 4, 5]]), (vec![3, 4, 5], 2));
    }

    #[test]
    fn keep_first_discards_the_newest() {
        assert_eq!(filled(Capacity::Bounded(3), Keep::First, &[&[1, 2], &[3, 4]]), (vec![1, 2, 3], 1));
        assert_eq!(filled(Capacity::Bounded(0), Keep::First, &[&[1]]), (vec![], 1));
    }

    #[test]
    fn an_unbounded_buffer_discards_nothing() {
        assert_eq!(filled(Capacity::Unbounded, Keep::Last, &[&[1, 2], &[3]]), (vec![1, 2, 3], 0));
    }

    #[test]
    fn what_was_taken_and_not_wanted_goes_back_to_the_front() {
        let mut buffer = Buffer::new(Capacity::Unbounded, Keep::Last);
        buffer.store(&mut vec![1, 2, 3]);
        let mut taken = Vec::new();
        buffer.take(2, &mut taken);
        buffer.put_back(&mut taken);
        buffer.take(3, &mut taken);
        assert_eq!(taken, [1, 2, 3]);
    }
}
