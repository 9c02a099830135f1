//! Keeps the stages of a pipeline running: starts them in order, restarts what fails, ends them in order.

mod child;
mod crew;
mod exits;
mod group;
mod home;
mod orders;
mod pending;
mod placement;
mod policy;
mod report;
mod resident;
mod round;
mod supervision;
mod supervisor;
mod task;
#[cfg(feature = "test-util")]
mod turns;

pub(crate) use child::{Child, Control, Nature};
pub use exits::Exit;
pub(crate) use exits::Exits;
pub(crate) use orders::Command;
pub(crate) use placement::spawn as place;
pub use policy::{Intensity, Strategy};
pub(crate) use policy::{Plan, Policy, Verdict};
pub use report::{Outcome, PipelineError, Rejected, Report, StageExit};
pub(crate) use supervision::Supervision;
pub use supervisor::{ChildOptions, Supervisor};
pub use task::Stopping;
#[cfg(feature = "test-util")]
pub(crate) use turns::Turns;
