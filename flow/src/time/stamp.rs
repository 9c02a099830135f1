//! The time that an event of a timed flow carries.

/// The event time of an event and its source's progress, in milliseconds since an arbitrary origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time at which the event happened.
    pub at: i64,
    /// The watermark of its source, this event included; `i64::MIN` if the source has none yet. It decides
    /// whether the event is late.
    pub watermark: i64,
    /// The least progress of all inputs of the sending stage: every later event from there that belongs to a
    /// window that ended by then is late. This progress determines when windows are closed.
    pub reached: i64,
}

/// An event of a timed flow, with its stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// The time of the event.
    pub stamp: Stamp,
    /// The event.
    pub event: T,
}
