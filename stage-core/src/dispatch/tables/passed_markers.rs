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
    /// Keeps `marker` until every queue that holds its ticket has passed it. `place` puts the ticket behind
    /// the events of each queue, and returns the number of queues with events; if there is none, the marker
    /// is returned.
    pub(crate) fn hold(&mut self, marker: Marker, place: impl FnOnce(Ticket) -> usize) -> Option<Marker> {
        let queues = place(self.first + self.waiting.len() as u64);
        if queues == 0 {
            return Some(marker);
        }
        self.waiting.push_back((marker, queues));
        None
    }

    /// Places `marker` behind the events in `queues`; returns it if all queues are empty.
    pub(crate) fn hold_in<'a, E: 'a>(
        &mut self,
        marker: Marker,
        queues: impl Iterator<Item = &'a mut MarkedQueue<E, Ticket>>,
    ) -> Option<Marker> {
        let occupied = queues.filter(|queue| !queue.is_empty());
        self.hold(marker, |ticket| occupied.map(|queue| queue.mark(ticket)).count())
    }

    /// Places the tickets of all markers behind the events that are in the queues now, which include all that they
    /// wait for; the queues hold no tickets.
    pub(crate) fn hold_again<E>(
        &mut self,
        queues: &mut [&mut MarkedQueue<E, Ticket>],
        outbox: &mut Outbox<E>,
    ) {
        let mut occupied: Vec<_> = queues.iter_mut().filter(|queue| !queue.is_empty()).collect();
        for (number, (_, before)) in self.waiting.iter_mut().enumerate() {
            *before = occupied.len();
            for queue in &mut occupied {
                queue.mark(self.first + number as u64);
            }
        }
        if occupied.is_empty() {
            self.first += self.waiting.len() as u64;
            self.waiting.drain(..).for_each(|(marker, _)| outbox.fire(marker));
        }
    }

    /// Records that one queue has passed `ticket`, and fires the markers that every queue has passed.
    ///
    /// They fire in order, because a queue that has not passed one marker has not passed the later ones
    /// either.
    pub(crate) fn passed<E>(&mut self, ticket: Ticket, outbox: &mut Outbox<E>) {
        let place = usize::try_from(ticket - self.first).unwrap_or(usize::MAX);
        if let Some((_, before)) = self.waiting.get_mut(place) {
            *before -= 1;
        }
        while let Some((marker, 0)) = self.waiting.front() {
            outbox.fire(*marker);
            self.waiting.pop_front();
            self.first += 1;
        }
    }

    /// Records the tickets that `queue` passed.
    pub(crate) fn pass<E>(&mut self, queue: &mut MarkedQueue<E, Ticket>, outbox: &mut Outbox<E>) {
        while let Some(ticket) = queue.passed() {
            self.passed(ticket, outbox);
        }
    }

    /// Calls a dispatcher whose markers are tickets, and records those that it fires.
    pub(crate) fn watch<E>(&mut self, outbox: &mut Outbox<E>, call: impl FnOnce(&mut Outbox<E>)) {
        let before = outbox.fired();
        call(outbox);
        if outbox.fired() > before {
            for ticket in outbox.take_fired(before) {
                self.passed(ticket.number(), outbox);
            }
        }
    }
}
