//! The activity of one step and its copies.

use std::time::Duration;

use super::snapshot::{Snapshot, StageSnapshot};
use crate::base::options::Placement;
use crate::base::stats::{Discards, StageState, StateTimes};

/// The activity of one step in the time between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepActivity {
    /// The name of the step.
    pub step: String,
    /// Whether its events come from outside the pipeline.
    pub is_source: bool,
    /// Whether it is a source that usually begins with its first events again after a restart.
    pub starts_over: bool,
    /// Where its callbacks run.
    pub placement: Placement,
    /// Its copies.
    pub copies: Vec<CopyActivity>,
}

/// The activity of one copy of a step in the time between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CopyActivity {
    /// The index of the copy, from 0.
    pub copy: usize,
    /// Events it handled.
    pub events_in: u64,
    /// Events it handed out.
    pub events_out: u64,
    /// Batches that it handled; for a source, demands.
    pub batches: u64,
    /// Events it lost.
    pub discarded: u64,
    /// Events it lost, by reason.
    pub discards: Discards,
    /// The number of its restarts.
    pub restarts: u64,
    /// Events that it keeps inside, at the end.
    pub held: u64,
    /// The time for which a poll of it has run without a pause, at the end; zero if it is not being polled.
    pub polled_for: Duration,
    /// The time it spent in each state.
    pub times: StateTimes,
}

impl CopyActivity {
    #[inline]
    pub(super) fn between(earlier: Option<&StageSnapshot>, later: &StageSnapshot) -> Self {
        let since = |count: fn(&StageSnapshot) -> u64| count(later).saturating_sub(earlier.map_or(0, count));
        Self {
            copy: later.stats.copy,
            events_in: since(|stage| stage.stats.events_in),
            events_out: since(|stage| stage.stats.events_out),
            batches: since(|stage| stage.stats.batches),
            discarded: since(|stage| stage.stats.discarded),
            discards: earlier
                .map_or(later.stats.discards, |earlier| later.stats.discards.since(&earlier.stats.discards)),
            restarts: since(|stage| stage.stats.restarts),
            held: later.stats.held,
            polled_for: match later.state {
                Some(StageState::Working) => later.state_age,
                _ => Duration::ZERO,
            },
            times: earlier.map_or(later.times, |earlier| later.times.since(&earlier.times)),
        }
    }

    /// Returns the number of events that it handled; for a source, handed out.
    #[inline]
    pub const fn events(&self) -> u64 {
        if self.events_in > self.events_out { self.events_in } else { self.events_out }
    }
}

impl StepActivity {
    #[inline]
    pub(super) fn new(snapshot: &Snapshot, stage: &StageSnapshot, first: CopyActivity) -> Self {
        let info = snapshot.steps.iter().find(|info| info.name == stage.stats.step);
        Self {
            step: stage.stats.step.clone(),
            is_source: stage.is_source,
            starts_over: stage.starts_over,
            placement: info.map_or(Placement::default(), |info| info.placement),
            copies: vec![first],
        }
    }

    /// Returns the time of all copies together.
    #[inline]
    pub fn times(&self) -> StateTimes {
        self.copies.iter().fold(StateTimes::default(), |all, copy| all.and(&copy.times))
    }

    /// Returns the share of their time that the copies were in `state`, from 0 to 1; 0 if none ran.
    #[inline]
    pub fn share(&self, state: StageState) -> f64 {
        self.times().share(state)
    }

    /// Returns the number of events that its copies handled; for a source, handed out.
    #[inline]
    pub fn events(&self) -> u64 {
        self.copies.iter().map(CopyActivity::events).sum()
    }

    /// Returns the number of batches that its copies handled; for a source, of demands.
    #[inline]
    pub fn batches(&self) -> u64 {
        self.copies.iter().map(|copy| copy.batches).sum()
    }

    /// Returns the number of events that its copies keep inside, at the end.
    #[inline]
    pub fn held(&self) -> u64 {
        self.copies.iter().map(|copy| copy.held).sum()
    }

    /// Returns the number of copies that ran: an elastic step does without some of its copies.
    #[inline]
    pub(super) fn running(&self) -> usize {
        match self.copies.iter().filter(|copy| !copy.times.total().is_zero()).count() {
            0 => self.copies.len(),
            running => running,
        }
    }

    /// Returns how unevenly the copies were loaded: the number of events of the busiest copy, as a multiple
    /// of the average. 1 is even.
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    #[inline]
    pub fn skew(&self) -> f64 {
        let most = self.copies.iter().map(CopyActivity::events).max().unwrap_or(0);
        match self.events() {
            0 => 1.0,
            all => most as f64 * self.running() as f64 / all as f64,
        }
    }
}
