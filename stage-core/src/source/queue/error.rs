//! What can go wrong with a queue, and which event comes back.

use std::error::Error;
use std::fmt;

use crate::credit::limits::MOST_EVENTS;

/// A queue that cannot work.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// No event would ever find room.
    #[error("the capacity of a queue must be at least 1, got 0")]
    Capacity,
    /// The events could never be in memory.
    #[error("the capacity of a queue must be at most {MOST_EVENTS}, got {capacity}")]
    TooLarge {
        /// The capacity given.
        capacity: usize,
    },
}

/// Why an event was not queued although its push could have waited. It comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushError<E> {
    /// The queue was closed.
    Closed(E),
    /// The source is gone: the pipeline has ended, or was never started.
    Gone(E),
}

/// Why an event was not queued at once. It comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryPushError<E> {
    /// There is no room.
    Full(E),
    /// The queue was closed.
    Closed(E),
    /// The source is gone: the pipeline has ended, or was never started.
    Gone(E),
}

impl<E> PushError<E> {
    /// The event that was not queued.
    pub fn into_event(self) -> E {
        match self {
            Self::Closed(event) | Self::Gone(event) => event,
        }
    }
}

impl<E> TryPushError<E> {
    /// The event that was not queued.
    pub fn into_event(self) -> E {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::Gone(event) => event,
        }
    }

    /// Whether there will be room again.
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
const GONE: &str = "the queue's source is gone, its pipeline has ended";

/// Events need not be printable.
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
