//! Keeps the stages of a pipeline running: starts them in order, restarts what fails, ends them in order.

mod child;
mod placement;
mod policy;
mod report;
mod supervisor;
#[cfg(feature = "test-util")]
mod turns;

pub(crate) use child::{Child, Control};
pub(crate) use placement::spawn as place;
pub use policy::{Intensity, Strategy};
pub(crate) use policy::{Policy, Verdict};
pub use report::{Outcome, PipelineError, Report};
pub(crate) use supervisor::{Command, Supervisor};
#[cfg(feature = "test-util")]
pub(crate) use turns::Turns;
