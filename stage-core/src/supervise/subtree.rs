//! A child that has children of its own.

use std::fmt;

use super::report::Report;
use super::stage_entry::StageEntry;
use crate::base::stats::StageStats;
use crate::sync::Arc;

/// A pipeline or a supervisor as the child of a supervisor, across all its runs.
pub(crate) trait Subtree: fmt::Debug + Send + Sync {
    /// Returns the children of the current run; empty between two runs.
    fn running(&self) -> Vec<Arc<StageEntry>>;

    /// Returns the statistics of its stages over all runs, with `prefix` in front of their names.
    fn stats(&self, prefix: &str) -> Vec<StageStats>;

    /// Adds the outcome of all runs to the report of the supervisor, in which this child is called `prefix`.
    fn add_to(&self, report: &mut Report, prefix: &str);
}
