//! The items that stages of a timed flow exchange: events with their stamps, and progress marks.

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

/// The progress of a stage, as announced to its subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// See [`Stamp::reached`]; `i64::MIN` while unknown.
    pub reached: i64,
    /// Whether the stage waits for idle sources only, so that it does not hold back the progress of its
    /// subscribers.
    pub idle: bool,
}

impl Progress {
    /// No progress is known.
    pub(crate) const UNKNOWN: Self = Self { reached: i64::MIN, idle: false };
}

/// An item that stages of a timed flow exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamped<T> {
    /// An event with its stamp.
    Event(Stamp, T),
    /// A progress mark of the sender without an event, for all subscribers or for one partition.
    Mark(Progress, Option<usize>),
}

impl<T> Stamped<T> {
    /// Returns the progress of the sender that the item carries.
    pub(crate) fn progress(&self) -> Progress {
        match self {
            Self::Event(stamp, _) => Progress { reached: stamp.reached, idle: false },
            Self::Mark(progress, _) => *progress,
        }
    }
}

/// An item that a stage received, from a timed or an untimed flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<S, T> {
    /// An event and its stamp.
    Event(S, T),
    /// The progress of the sender.
    Mark(Progress),
}
