//! Sends deliveries to their links, in batches of the size that each subscriber asks for.

use super::Outlet;
use crate::dispatch::{Delivery, Outbox};
use crate::wire::link::LinkTx;
use crate::wire::protocol::Batch;

impl<E> Outlet<E> {
    /// Sends everything that the dispatcher decided.
    #[inline]
    pub(super) fn send(&mut self) {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.decider.outbox.swap(&mut deliveries);
        deliveries.drain(..).for_each(|delivery| self.deliver(delivery));
        self.deliveries = deliveries;
    }

    #[inline]
    pub(super) fn deliver(&mut self, Delivery { to, events }: Delivery<E>) {
        debug_assert!(self.links[to.0].is_some(), "nothing goes to a cancelled subscription");
        if let Some(link) = &mut self.links[to.0] {
            self.core.counters.sent(events.len());
            link.counters().sent(events.len());
            if events.len() <= link.chunk() {
                link.send(Batch::new(events, false));
            } else {
                send_in_batches(link, events, &mut self.pieces, &mut self.decider.outbox);
            }
            link.announce();
        }
    }
}

/// Sends one message in several batches, in order.
#[inline(never)]
fn send_in_batches<E>(
    link: &mut LinkTx<E>,
    mut events: Vec<E>,
    pieces: &mut Vec<Vec<E>>,
    outbox: &mut Outbox<E>,
) {
    let chunk = link.chunk();
    // Cut from the back, so that no event moves twice.
    while events.len() > chunk {
        let last = (events.len() - 1) / chunk * chunk;
        let mut piece = outbox.buffer();
        piece.extend(events.drain(last..));
        pieces.push(piece);
    }
    link.send(Batch::new(events, !pieces.is_empty()));
    while let Some(events) = pieces.pop() {
        link.send(Batch::new(events, !pieces.is_empty()));
    }
}
