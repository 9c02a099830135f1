//! A bounded first-in, first-out buffer for events without demand, with markers between them.

use crate::base::options::{Capacity, Keep};
use crate::dispatch::{MarkedQueue, Marker};

/// A bounded queue of events without demand. Markers take no room and are never lost: when an event is
/// displaced, the marker behind it is passed.
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

    /// Appends all of `events`; returns the number discarded for lack of room.
    pub(crate) fn store(&mut self, events: &mut Vec<E>) -> usize {
        let room = match self.capacity {
            Capacity::Unbounded => usize::MAX,
            Capacity::Bounded(capacity) => capacity.saturating_sub(self.queue.len()),
        };
        let excess = events.len().saturating_sub(room);
        match self.keep {
            Keep::First => {
                events.truncate(events.len() - excess);
                self.queue.append(events);
            }
            Keep::Last => {
                self.queue.append(events);
                self.queue.drain(excess);
            }
        }
        excess
    }

    /// Places a marker behind the buffered events; returns it if there are none.
    pub(crate) fn mark(&mut self, marker: Marker) -> Option<Marker> {
        if self.queue.is_empty() {
            return Some(marker);
        }
        self.queue.mark(marker);
        None
    }

    /// Returns the next passed marker, with no buffered events before it. Each is returned once, in order.
    pub(crate) fn passed(&mut self) -> Option<Marker> {
        self.queue.passed()
    }

    /// Moves all events to the end of `into`.
    pub(crate) fn take_all(&mut self, into: &mut Vec<E>) {
        self.queue.take_all(into);
    }

    /// Moves up to `most` of the oldest events to the end of `into`, stopping at a marker; returns their
    /// number.
    pub(crate) fn take(&mut self, most: usize, into: &mut Vec<E>) -> usize {
        let taken = self.queue.run(most);
        into.extend(self.queue.drain(taken));
        taken
    }

    /// Returns events that `take` moved out to the front.
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
    fn unwanted_events_return_to_the_front() {
        let mut buffer = Buffer::new(Capacity::Unbounded, Keep::Last);
        buffer.store(&mut vec![1, 2, 3]);
        let mut taken = Vec::new();
        buffer.take(2, &mut taken);
        buffer.put_back(&mut taken);
        buffer.take(3, &mut taken);
        assert_eq!(taken, [1, 2, 3]);
    }
}
