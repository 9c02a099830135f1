//! The execution of a flow: a stage around each operator, and the threads that run it.

mod alarm;
mod ends;
mod fed_stage;
mod sink;
mod source_stage;
mod until_met;
mod workers;

pub(crate) use ends::{Ends, Readers};
pub(crate) use fed_stage::{FedStage, Leave};
pub(crate) use source_stage::SourceStage;
pub use workers::Workers;
pub(crate) use workers::{run_on, spawn};
