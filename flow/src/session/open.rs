//! An open session: the times and the value of its events.

use super::{Session, Sessions};

/// The open session of a key.
pub(super) struct Open<A> {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) value: A,
    pub(super) number: u64,
}

impl<A> Open<A> {
    pub(super) fn ended<Q>(self, key: Q) -> Session<Q, A> {
        let Self { start, end, value, .. } = self;
        Session { key, start, end, value }
    }

    #[inline]
    pub(super) fn extend(&mut self, at: i64) {
        (self.start, self.end) = (self.start.min(at), self.end.max(at));
    }

    /// Returns whether an event that happened at `at` belongs to the session.
    #[inline]
    pub(super) fn is_near(&self, at: i64, sessions: &Sessions) -> bool {
        sessions.reaches((self.start, self.end), at)
    }
}
