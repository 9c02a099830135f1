//! A flow that was started and goes on by itself: how it is watched, found by name, drained and ended.

mod flow_ref;
mod keeper;
mod options;
mod report;
mod run;
mod watch;

pub use flow_ref::{FlowRef, RunningFlow};
pub use options::StartOptions;
pub use report::FlowReport;
pub(crate) use run::{Begun, begin};
