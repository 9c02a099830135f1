//! Windows: which events belong together, and when their results are emitted.

mod custom;
mod id;
mod late;
mod open;
mod spans;
mod spec;
mod words;

pub use custom::Next;
pub(crate) use custom::{BatchTrigger, MakeTrigger};
pub use id::{Trigger, TriggerName, WindowId};
pub use late::Late;
pub(crate) use late::TakesLate;
pub(crate) use open::OpenWindows;
pub(crate) use spans::{Interval, Spans};
pub use spec::{AnyTime, EventTime, FitsTime, OfEventTime, SideBySide, Sliding, Window};
pub(crate) use spec::{Kind, WindowSpec};
pub(crate) use words::{lateness, millis};
