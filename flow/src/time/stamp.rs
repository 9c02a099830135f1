//! What goes from stage to stage where events carry their time: events with their stamps, and marks.

/// When an event happened, and how far its source was then. In milliseconds, since any origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When it happened.
    pub at: i64,
    /// The watermark of its source, this event included; `i64::MIN` while the source has none. It decides whether
    /// the event is late.
    pub watermark: i64,
    /// What all ways into the stage that sent it had reached: whoever receives it gets nothing from there
    /// any more that happened in a window which ended by then, but what is late. What is over goes by that.
    pub reached: i64,
}

/// How far a stage is, as it tells those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// As [`Stamp::reached`]; the least number as long as nothing is known.
    pub reached: i64,
    /// Whether it waits for sources that are idle, and so does not hold anybody back.
    pub idle: bool,
}

impl Progress {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self { reached: i64::MIN, idle: false };
}

/// What goes from stage to stage where events carry their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamped<T> {
    /// An event and when it happened.
    Event(Stamp, T),
    /// No event, but a mark: how far the sender is, for all who receive from it or for one partition.
    Mark(Progress, Option<usize>),
}

impl<T> Stamped<T> {
    /// What it tells of its sender.
    pub(crate) fn progress(&self) -> Progress {
        match self {
            Self::Event(stamp, _) => Progress { reached: stamp.reached, idle: false },
            Self::Mark(progress, _) => *progress,
        }
    }
}

/// What a stage was brought, whether its events carry their time or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<S, T> {
    /// An event and its stamp.
    Event(S, T),
    /// How far the sender is.
    Mark(Progress),
}
