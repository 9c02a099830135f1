//! The open sessions of a key, each with the times and the value of its events.

use smallvec::SmallVec;

use super::{Session, Sessions};

/// A key and its open sessions, sorted by time.
pub(super) struct OfKey<Q, A> {
    pub(super) key: Q,
    pub(super) sessions: SmallVec<[Open<A>; 1]>,
}

impl<Q, A> OfKey<Q, A> {
    /// Returns the only session, if there is one session and an event that happened at `at` belongs to it.
    #[inline]
    pub(super) fn only_near(&mut self, at: i64, sessions: &Sessions) -> Option<&mut Open<A>> {
        match self.sessions.as_mut_slice() {
            [session] if session.is_near(at, sessions) => Some(session),
            _ => None,
        }
    }

    /// Returns the index of the session with a number.
    pub(super) fn place_of(&self, number: u64) -> Option<usize> {
        self.sessions.iter().position(|open| open.number == number)
    }
}

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
