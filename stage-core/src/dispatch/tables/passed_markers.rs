//! Markers that wait until several queues have passed them.

use std::collections::VecDeque;

use crate::dispatch::{MarkedQueue, Marker, Outbox};

/// Markers in order, each with the number of queues that are still before it.
#[derive(Debug, Default)]
pub(crate) struct Held {
    waiting: VecDeque<(Marker, usize)>,
    /// The ticket of the first.
    first: u64,
}

/// What a queue holds in the place of a marker that other queues hold too.
pub(crate) type Ticket = u64;

impl Held {
    /// Puts `marker` behind what is in `queues`; gives it back if they are all empty.
    pub(crate) fn hold<'a, E: 'a>(
        &mut self,
        marker: Marker,
        queues: impl Iterator<Item = &'a mut MarkedQueue<E, Ticket>>,
    ) -> Option<Marker> {
        let ticket = self.first + self.waiting.len() as u64;
        let before = queues.filter(|queue| !queue.is_empty()).map(|queue| queue.mark(ticket)).count();
        if before == 0 {
            return Some(marker);
        }
        self.waiting.push_back((marker, before));
        None
    }

    /// Takes note of what `queue` passed, and fires the markers that no queue is before any more.
    ///
    /// They fire in order: a queue that one marker waits for holds all later ones too.
    pub(crate) fn pass<E>(&mut self, queue: &mut MarkedQueue<E, Ticket>, outbox: &mut Outbox<E>) {
        while let Some(ticket) = queue.passed() {
            let place = usize::try_from(ticket - self.first).unwrap_or(usize::MAX);
            if let Some((_, before)) = self.waiting.get_mut(place) {
                *before -= 1;
            }
        }
        while let Some((marker, 0)) = self.waiting.front() {
            outbox.fire(*marker);
            self.waiting.pop_front();
            self.first += 1;
        }
    }
}
