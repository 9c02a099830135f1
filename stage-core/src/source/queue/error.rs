//! Errors of a queue and of its pushes; push errors return the event.

use std::error::Error;
use std::fmt;

use crate::credit::limits::MOST_EVENTS;

/// An invalid queue capacity.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum PushQueueError {
    /// The capacity is 0: no event would ever find room.
    #[error("the capacity of a queue must be at least 1, got 0")]
    Capacity,
    /// The capacity is larger than any number of events that fits into memory.
    #[error("the capacity of a queue must be at most {MOST_EVENTS}, got {capacity}")]
    TooLarge {
        /// The capacity given.
        capacity: usize,
    },
}

/// Error of a push that waits for room; returns the event.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<E> {
    /// The queue was closed.
    Closed(E),
    /// The source is gone: the pipeline has ended, or was never started.
    Gone(E),
}

/// Error of a push that does not wait; returns the event.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryPushError<E> {
    /// The queue is full.
    Full(E),
    /// The queue was closed.
    Closed(E),
    /// The source is gone: the pipeline has ended, or was never started.
    Gone(E),
}

impl<E> PushError<E> {
    /// Returns the event that was not queued.
    pub fn into_event(self) -> E {
        match self {
            Self::Closed(event) | Self::Gone(event) => event,
        }
    }
}

impl<E> TryPushError<E> {
    /// Returns the event that was not queued.
    pub fn into_event(self) -> E {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::Gone(event) => event,
        }
    }

    /// Returns whether the queue is full, so that a later push may succeed.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::Closed(_) | Self::Gone(_) => false,
        }
    }
}

impl<E> From<PushError<E>> for TryPushError<E> {
    fn from(error: PushError<E>) -> Self {
        match error {
            PushError::Closed(event) => Self::Closed(event),
            PushError::Gone(event) => Self::Gone(event),
        }
    }
}

const FULL: &str = "the queue is full";
const CLOSED: &str = "the queue was closed";
const GONE: &str = "the queue's source is gone: its pipeline has ended";

/// Prints no event, so that events need not implement `Debug`.
impl<E> fmt::Debug for PushError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Gone(_) => "Gone(..)",
        })
    }
}

impl<E> fmt::Display for PushError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::Gone(_) => GONE,
        })
    }
}

impl<E> Error for PushError<E> {}

impl<E> fmt::Debug for TryPushError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Gone(_) => "Gone(..)",
        })
    }
}

impl<E> fmt::Display for TryPushError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => FULL,
            Self::Closed(_) => CLOSED,
            Self::Gone(_) => GONE,
        })
    }
}

impl<E> Error for TryPushError<E> {}
