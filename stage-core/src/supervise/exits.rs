//! The most recent exits of stages whose work was not done.

use std::collections::VecDeque;
use std::time::Duration;

use super::report::StageExit;
use crate::base::error::ExitReason;
use crate::sync::{Mutex, lock};

/// Number of exits that are kept.
const KEPT: usize = 16;

/// A stage that ended before its work was done, and when. It was restarted, or its pipeline continued without
/// it or ended with it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Exit {
    /// The stage, as `step/copy`.
    pub stage: String,
    /// Why it ended.
    pub reason: ExitReason,
    /// The time from the start of its pipeline to the exit.
    pub at: Duration,
}

/// The most recent exits, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Exits {
    last: Mutex<VecDeque<Exit>>,
}

impl Exits {
    pub(super) fn add(&self, exit: &StageExit, at: Duration) {
        let mut last = lock(&self.last);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(Exit { stage: exit.stage.clone(), reason: exit.reason.clone(), at });
    }

    #[inline]
    pub(crate) fn read(&self) -> Vec<Exit> {
        lock(&self.last).iter().cloned().collect()
    }
}
