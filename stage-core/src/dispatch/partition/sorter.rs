//! Groups the events of a batch by partition before any are handed out.

use std::vec::Drain;

use crate::dispatch::Outbox;

/// Events by partition; empty between calls of the dispatcher.
#[derive(Debug)]
pub struct Sorter<E> {
    partitions: Vec<Vec<E>>,
    /// The partitions with events, in the order of their first event.
    touched: Vec<usize>,
}

impl<E> Sorter<E> {
    pub(super) fn new(partitions: usize) -> Self {
        let partitions = std::iter::repeat_with(Vec::new).take(partitions).collect();
        Self { partitions, touched: Vec::new() }
    }

    /// Adds an event to those of its partition, in a buffer from the outbox.
    #[inline]
    pub(super) fn put(&mut self, place: usize, event: E, outbox: &mut Outbox<E>) {
        let events = &mut self.partitions[place];
        if events.is_empty() {
            *events = outbox.buffer();
            self.touched.push(place);
        }
        events.push(event);
    }

    /// Adds the first of `events`, if there are any, to those of its partition; returns whether there is such a partition.
    /// Most events find room there, which is known before they leave their place: growing the buffer between the two would
    /// keep them on the stack meanwhile. A partition without events has no room, unless events have no size.
    #[inline]
    pub(super) fn put_next(
        &mut self,
        place: usize,
        events: &mut Drain<'_, E>,
        outbox: &mut Outbox<E>,
    ) -> bool {
        let Some(partition) = self.partitions.get_mut(place) else { return false };
        if size_of::<E>() > 0 && partition.len() < partition.capacity() {
            if let Some(event) = events.next() {
                partition.push(event);
            }
        } else {
            self.put_with_room(place, events, outbox);
        }
        true
    }

    #[inline(never)]
    fn put_with_room(&mut self, place: usize, events: &mut Drain<'_, E>, outbox: &mut Outbox<E>) {
        if let Some(event) = events.next() {
            self.put(place, event, outbox);
        }
    }

    /// Returns the number of events. Call it once per batch: counting each event would take as long as
    /// sorting, because each increment waits for the previous one.
    pub(super) fn count(&self) -> usize {
        self.touched.iter().map(|place| self.partitions[*place].len()).sum()
    }

    /// Passes the events of each partition that has some to `take`.
    pub(super) fn take(&mut self, mut take: impl FnMut(usize, Vec<E>)) {
        for place in self.touched.drain(..) {
            take(place, std::mem::take(&mut self.partitions[place]));
        }
    }
}
