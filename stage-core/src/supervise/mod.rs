//! Supervises the stages of a pipeline: starts them in order, restarts failed ones, ends them in order.

mod child;
mod crew;
mod exits;
mod known;
mod orders;
mod pending;
mod policy;
mod report;
mod subtree;
mod supervision;

pub(crate) use child::{Child, Control, Nature};
pub use exits::Exit;
pub(crate) use exits::Exits;
pub(crate) use known::{Fed, Known, named, stats_of};
pub(crate) use orders::Command;
pub use policy::{Intensity, Strategy};
pub(crate) use policy::{Plan, Policy, Verdict};
pub use report::{Outcome, PipelineError, Rejected, Report, StageExit};
pub(crate) use subtree::Subtree;
pub(crate) use supervision::Supervision;
