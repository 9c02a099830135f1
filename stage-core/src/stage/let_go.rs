//! The ways in which a stage lets go of an event that it does not emit.

use std::fmt;

/// The ways in which a stage lets go of an event of type `E`. Plain events are dropped in both; a delivery
/// tells its source the difference.
pub struct LetGo<E> {
    leave_out: fn(E),
    give_back: fn(E),
}

impl<E> LetGo<E> {
    pub(crate) const fn new(leave_out: fn(E), give_back: fn(E)) -> Self {
        Self { leave_out, give_back }
    }

    /// Lets go of an event that the stage leaves out on purpose: a delivery is acknowledged.
    pub(crate) fn leave_out(&self, event: E) {
        (self.leave_out)(event);
    }

    /// Lets go of an event that the stage did not use: a delivery returns to its source untried.
    pub(crate) fn give_back(&self, event: E) {
        (self.give_back)(event);
    }
}

/// Drops events: the ways of plain ones.
impl<E> Default for LetGo<E> {
    fn default() -> Self {
        Self::new(drop, drop)
    }
}

impl<E> Clone for LetGo<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for LetGo<E> {}

impl<E> fmt::Debug for LetGo<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LetGo")
    }
}
