//! The numbers of jobs in queues, which a board lists beside its pipelines.

use std::collections::BTreeMap;
use std::fmt;

use super::board::{Board, NameTaken};
use crate::sync::{Arc, Mutex, lock};

/// The numbers of jobs in a queue, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct JobCounts {
    /// Jobs that can be leased now, or after a delay before their next attempt.
    pub ready: u64,
    /// Jobs behind an earlier job of their key.
    pub blocked: u64,
    /// Jobs that are leased.
    pub leased: u64,
    /// Jobs that were set aside as dead.
    pub dead: u64,
}

type ReadCounts = Arc<dyn Fn() -> JobCounts + Send + Sync>;

/// The queues of a board by name.
#[derive(Clone, Default)]
pub(super) struct Queues(Arc<Mutex<BTreeMap<String, ReadCounts>>>);

impl Board {
    /// Lists a queue under a name. Each scrape calls `read`, which must not wait: the
    /// owner of a queue in a file or on a server counts at an interval, and `read` returns the last numbers.
    ///
    /// # Errors
    ///
    /// Returns [`NameTaken`] if a queue with this name is listed.
    pub fn add_queue(
        &self,
        name: impl Into<String>,
        read: impl Fn() -> JobCounts + Send + Sync + 'static,
    ) -> Result<(), NameTaken> {
        let name = name.into();
        let mut queues = lock(&self.queues.0);
        if queues.contains_key(&name) {
            return Err(NameTaken { name });
        }
        queues.insert(name, Arc::new(read));
        Ok(())
    }

    /// Removes a queue from the list; returns whether it was listed.
    #[inline]
    pub fn remove_queue(&self, name: &str) -> bool {
        lock(&self.queues.0).remove(name).is_some()
    }

    /// Returns the numbers of jobs in all queues, in the alphabetical order of their names.
    #[inline]
    pub fn queues(&self) -> Vec<(String, JobCounts)> {
        let queues: Vec<_> = {
            let queues = lock(&self.queues.0);
            queues.iter().map(|(name, read)| (name.clone(), Arc::clone(read))).collect()
        };
        queues.into_iter().map(|(name, read)| (name, read())).collect()
    }
}

impl fmt::Debug for Queues {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}
