//! Handles to a running pipeline: statistics, messages to stages, and shutdown.

mod monitor;
mod running;
mod scaling;
mod stage_ref;
mod stall;
mod stalled;
mod subscribing;

pub use monitor::Monitor;
pub use running::{Running, StartError};
pub use stage_ref::StageRef;
pub use stall::{Stall, WaitsFor};
