//! Trees of pipelines, tasks and other supervisors: see [`Supervisor`](crate::Supervisor).

mod group;
mod task;
pub(crate) mod tree;

pub use task::Stopping;
pub use tree::ChildOptions;
