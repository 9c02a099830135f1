//! How a running pipeline is watched, spoken to, and ended.

mod monitor;
mod producer_ref;
mod running;
mod stage_ref;
mod subscribe_options;

pub use monitor::Monitor;
pub use producer_ref::ProducerRef;
pub use running::{Running, StartError};
pub use stage_ref::StageRef;
pub use subscribe_options::SubscribeOptions;
