//! Does a flow know when its events happened, and how do its stages learn how far time has come?

mod by_demand;
mod by_partition;
mod kind;
mod stamp;

pub use kind::{Time, Timed, Untimed};
pub use stamp::{Carried, Progress, Stamp, Stamped};
