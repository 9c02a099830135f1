//! The events of a batch, each beside those of the same partition, before any is handed out.

use crate::dispatch::Outbox;

/// Events by partition; none between calls of the dispatcher.
pub(super) struct Sorter<E> {
    partitions: Vec<Vec<E>>,
    /// Partitions that have events, in the order in which they got their first.
    touched: Vec<usize>,
}

impl<E> Sorter<E> {
    pub(super) fn new(partitions: usize) -> Self {
        let partitions = std::iter::repeat_with(Vec::new).take(partitions).collect();
        Self { partitions, touched: Vec::new() }
    }

    /// Puts an event beside the others of its partition, in a buffer of the outbox.
    #[inline]
    pub(super) fn put(&mut self, place: usize, event: E, outbox: &mut Outbox<E>) {
        let events = &mut self.partitions[place];
        if events.is_empty() {
            *events = outbox.buffer();
            self.touched.push(place);
        }
        events.push(event);
    }

    /// How many events there are. To be asked once for many of them: counting along would take as long as
    /// sorting does, since each count waits for the one before.
    pub(super) fn count(&self) -> usize {
        self.touched.iter().map(|place| self.partitions[*place].len()).sum()
    }

    /// Gives the events of each partition that has some to `take`.
    pub(super) fn take(&mut self, mut take: impl FnMut(usize, Vec<E>)) {
        for place in self.touched.drain(..) {
            take(place, std::mem::take(&mut self.partitions[place]));
        }
    }
}
