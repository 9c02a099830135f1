//! Supervises the stages of a pipeline: starts them in order, restarts failed ones, ends them in order.

mod child;
mod crew;
mod exits;
mod orders;
mod pending;
mod policy;
mod report;
mod stage_entry;
mod subtree;
mod supervision;

pub(crate) use child::{Child, Control, Nature};
pub use exits::Exit;
pub(crate) use exits::Exits;
pub(crate) use orders::Command;
pub use policy::{Intensity, Strategy};
pub(crate) use policy::{Plan, Policy, RestartDecision};
pub use report::{Outcome, PipelineError, Report, StageExit, StageLoss};
pub(crate) use stage_entry::{FedBy, StageEntry, named, stats_of};
pub(crate) use subtree::Subtree;
pub(crate) use supervision::Supervision;
