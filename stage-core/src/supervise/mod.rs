//! Supervises the stages of a pipeline: starts them in order, restarts failed ones, ends them in order.

mod child;
mod crew;
mod elastic;
mod exits;
mod lifecycle;
mod orders;
mod pending;
mod policy;
mod report;
mod rescale;
mod scale;
mod stage_entry;
mod state;
mod stopping;
mod subtree;
mod supervision;

pub(crate) use child::{Build, Child, Control, Nature, Retire};
pub(crate) use elastic::{Elastic, ElasticPlace};
pub use exits::Exit;
pub(crate) use exits::Exits;
pub(crate) use lifecycle::{Closed, EndGuard, Lifecycle};
pub(crate) use orders::Command;
pub use policy::{Intensity, Strategy};
pub(crate) use policy::{Plan, Policy, RestartDecision};
pub use report::{Outcome, PipelineError, Report, StageExit, StageLoss};
pub(crate) use scale::{Load, PERIOD, Scale};
pub(crate) use stage_entry::{FedBy, StageEntry, named, stats_of, step_of};
pub use state::{Ending, PipelineState, Restarts};
pub(crate) use subtree::Subtree;
pub(crate) use supervision::Supervision;
