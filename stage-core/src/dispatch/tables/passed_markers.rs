//! Markers that fire once several queues have passed them.

use std::collections::VecDeque;

use crate::dispatch::{MarkedQueue, Marker, Outbox};

/// Markers in order, each with the number of queues that have not passed it.
#[derive(Debug, Default)]
pub(crate) struct PassedMarkers {
    waiting: VecDeque<(Marker, usize)>,
    /// The ticket of the first marker.
    first: u64,
}

/// Stands in a queue for a marker shared with other queues.
pub(crate) type Ticket = u64;

impl PassedMarkers {
    /// Places `marker` behind the events in `queues`; returns it if all queues are empty.
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

    /// Records the tickets that `queue` passed, and fires the markers that every queue has passed.
    ///
    /// They fire in order, because a queue that has not passed one marker has not passed the later ones
    /// either.
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
