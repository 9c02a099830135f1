//! Event time: untimed and timed flows, the stamps of events, and the progress of stages.

mod gauge;
mod kind;
mod stamp;

#[doc(hidden)]
pub use gauge::Reached;
pub(crate) use gauge::{Gauge, Gauges};
pub use kind::{Time, Timed, Untimed};
#[doc(hidden)]
pub use stage_core::stage::Progress;
#[doc(hidden)]
pub use stamp::{Stamp, Stamped};
