//! Supervisors: trees of pipelines, tasks and other supervisors.

mod group;
mod task;
mod tree;

pub use task::Stopping;
pub use tree::{ChildOptions, Supervisor};
