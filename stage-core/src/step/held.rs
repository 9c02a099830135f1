//! The event that a step holds until it is due.

use tokio::time::Instant;

use super::deciding::{Decide, Output};

/// At most one event, and the time at which it is due; `None` is never.
#[derive(Debug)]
pub(super) struct Held<E>(Option<(E, Option<Instant>)>);

impl<E> Held<E> {
    /// Replaces the event; returns the earlier one and the time at which that was due.
    pub(super) const fn replace(&mut self, event: E, due: Option<Instant>) -> Option<(E, Option<Instant>)> {
        self.0.replace((event, due))
    }

    /// Returns the time at which the event is due; without an event, that of `otherwise`.
    pub(super) fn due_or(&self, otherwise: impl FnOnce() -> Option<Instant>) -> Option<Instant> {
        self.0.as_ref().map_or_else(otherwise, |(_, due)| *due)
    }

    /// Emits the event if it is due and there is room.
    pub(super) fn serve<D: Decide<Out = E>>(&mut self, now: Instant, room: usize, out: &mut Output<D>) {
        let is_due = |(_, due): &mut (E, Option<Instant>)| due.is_some_and(|due| due <= now);
        if room > 0
            && let Some((event, _)) = self.0.take_if(is_due)
        {
            out.emit(event);
        }
    }

    /// Emits the event, due or not.
    pub(super) fn end<D: Decide<Out = E>>(&mut self, out: &mut Output<D>) {
        if let Some((event, _)) = self.0.take() {
            out.emit(event);
        }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.0.is_some())
    }
}

impl<E> Default for Held<E> {
    fn default() -> Self {
        Self(None)
    }
}
