//! Events that nobody asked for yet, and markers between them: first in, first out, bounded.

use crate::base::options::{Capacity, Keep};
use crate::dispatch::{MarkedQueue, Marker};

/// A bounded queue of undemanded events. Markers take no room, and none is ever lost: the marker behind a
/// displaced event is passed.
#[derive(Debug)]
pub(crate) struct Buffer<E> {
    queue: MarkedQueue<E, Marker>,
    capacity: Capacity,
    keep: Keep,
}

impl<E> Buffer<E> {
    pub(crate) fn new(capacity: Capacity, keep: Keep) -> Self {
        Self { queue: MarkedQueue::new(), capacity, keep }
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Stores all of `events` behind what is there; returns how many were discarded for want of room.
    pub(crate) fn store(&mut self, events: &mut Vec<E>) -> usize {
        let room = match self.capacity {
            Capacity::Unbounded => usize::MAX,
            Capacity::Bounded(capacity) => capacity.saturating_sub(self.queue.len()),
        };
        let excess = events.len().saturating_sub(room);
        match self.keep {
            Keep::First => {
                events.truncate(events.len() - excess);
                self.queue.extend(events.drain(..));
            }
            Keep::Last => {
                self.queue.extend(events.drain(..));
                self.queue.drain(excess);
            }
        }
        excess
    }

    /// Puts a marker behind the events that are there; gives it back if there are none.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        if self.queue.is_empty() {
            return Some(marker);
        }
        self.queue.mark(marker);
        None
    }

    /// The next marker that no event is before any more; each is given once, in order.
    pub(crate) fn passed(&mut self) -> Option<Marker> {
        self.queue.passed()
    }

    /// Moves all events to the end of `into`.
    pub(crate) fn take_all(&mut self, into: &mut Vec<E>) {
        self.queue.take_all(into);
    }

    /// Moves up to `most` of the oldest events to the end of `into`, and stops at a marker; says how many.
    pub(crate) fn take(&mut self, most: usize, into: &mut Vec<E>) -> usize {
        let taken = self.queue.run(most);
        into.extend(self.queue.drain(taken));
        taken
    }

    /// Puts back, in front, what `take` moved out.
    pub(crate) fn put_back(&mut self, events: &mut Vec<E>) {
        self.queue.put_back(events);
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
