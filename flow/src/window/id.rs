//! The context of a trigger: the window, the reason, and the stage.

use std::borrow::Cow;
use std::time::Duration;

use crate::plan::Place;

/// Identifies a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WindowId {
    /// The only window.
    Global,
    /// A window of a number of events: its index in its stage, from 0.
    Count(u64),
    /// A window of a period of the clock: its index in its stage, from 0.
    Periodic(u64),
    /// A fixed window of event time: its start, in milliseconds; `i64::MIN` if it starts before that.
    Fixed(i64),
    /// A sliding window, which may overlap others or leave gaps: its start, as for a fixed one.
    Sliding(i64),
}

/// The reason why the result of a window is emitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TriggerName {
    /// The window, or the input, has ended. This is the last trigger of the window.
    Done,
    /// The watermark has passed the end of the window; late events may still come.
    Watermark,
    /// This number of events has arrived.
    Every(usize),
    /// This period of time has passed.
    Periodically(Duration),
    /// A custom trigger, by its name.
    Custom(Cow<'static, str>),
}

/// One emission of the result of a window.
///
/// ```
/// use flow::{Flow, Trigger, TriggerName, Window, WindowId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let triggers = Flow::from_items(1..=3_u64)
///     .stages(1)
///     .window(Window::global().trigger_every(2))
///     .reduce(|| (), |(), _| ())
///     .on_trigger(|(), trigger| ([trigger.clone()], ()));
/// let triggers: Vec<Trigger> = triggers.collect().await?;
/// assert_eq!((&triggers[0].name, triggers[0].window), (&TriggerName::Every(2), WindowId::Global));
/// assert!(!triggers[0].is_done() && triggers[1].is_done());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Trigger {
    /// The window.
    pub window: WindowId,
    /// The reason.
    pub name: TriggerName,
    /// The stage.
    pub place: Place,
}

impl Trigger {
    /// Returns whether this is the last trigger of its window.
    pub fn is_done(&self) -> bool {
        self.name == TriggerName::Done
    }
}
