//! A flow that runs in the background: how to watch it, find it by name, drain it and stop it.

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
