//! A durable job queue in a table, shared by any number of processes and machines.

mod columns;
mod job;
mod leasing;
mod options;
mod pull;
#[allow(clippy::module_inception, reason = "the file is named after its type")]
mod queue;
pub(crate) mod schema;
mod settle;
pub(crate) mod statements;
mod turn;
mod watched;

pub use job::{Counts, DeadJob, Job, JobId, NewJob, Receipt};
pub use options::QueueOptions;
pub use pull::QueuePull;
pub use queue::Queue;
pub use settle::QueueSettle;
