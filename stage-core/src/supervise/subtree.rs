//! A child with children of its own.

use std::fmt;

use super::known::Known;
use super::report::Report;
use crate::base::stats::StageStats;
use crate::sync::Arc;

/// A pipeline or a supervisor as the child of a supervisor, over all its runs.
pub(crate) trait Subtree: fmt::Debug + Send + Sync {
    /// The children of the current run; none between two runs.
    fn running(&self) -> Vec<Arc<Known>>;

    /// The statistics of its stages over all runs, with `prefix` in front of their names.
    fn stats(&self, prefix: &str) -> Vec<StageStats>;

    /// Adds the outcome of all runs to the report of the supervisor that calls this child `prefix`.
    fn add_to(&self, report: &mut Report, prefix: &str);
}
