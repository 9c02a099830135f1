//! Event time: untimed and timed flows, event stamps, and dispatchers that announce progress to the next
//! stages.

mod by_demand;
mod by_partition;
mod gauge;
mod kind;
mod stamp;

#[doc(hidden)]
pub use gauge::Reached;
pub(crate) use gauge::{Gauge, Gauges};
pub(crate) use kind::MakeDispatcher;
pub use kind::{Time, Timed, Untimed};
#[doc(hidden)]
pub use stamp::{Carried, Progress, Stamp, Stamped};
