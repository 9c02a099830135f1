//! What a trigger is told of: which window, why now, and where.

use std::borrow::Cow;
use std::time::Duration;

use crate::plan::Place;

/// Which window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WindowId {
    /// The only one.
    Global,
    /// One of so many events: its number in its stage, from 0.
    Count(u64),
    /// One of a period of the clock: its number in its stage, from 0.
    Periodic(u64),
    /// One of a span of event time: when it starts, in milliseconds; `i64::MIN` if it starts before that.
    Fixed(i64),
    /// One of spans that overlap or leave gaps: when it starts, as of a fixed one.
    Sliding(i64),
}

/// Why what became of a window is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TriggerName {
    /// The window, or the input, has come to its end. It is the last trigger of the window.
    Done,
    /// The watermark has passed the window; late events may still come.
    Watermark,
    /// So many events have come.
    Every(usize),
    /// So much time has passed.
    Periodically(Duration),
    /// A trigger of the application's own.
    Custom(Cow<'static, str>),
}

/// One moment at which what became of a window is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Trigger {
    /// The window.
    pub window: WindowId,
    /// Why.
    pub name: TriggerName,
    /// In which stage.
    pub place: Place,
}

impl Trigger {
    /// Whether it is the last of its window.
    pub fn is_done(&self) -> bool {
        self.name == TriggerName::Done
    }
}
