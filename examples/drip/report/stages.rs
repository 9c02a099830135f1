//! The figures of each pipeline step, summed over its copies.

use std::time::Duration;

use serde::Serialize;
use stage_core::stats::StageStats;

/// The figures of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageRow {
    /// Name of the step.
    pub name: String,
    /// Number of copies.
    pub copies: usize,
    /// Number of events received.
    pub events_in: u64,
    /// Number of events emitted.
    pub events_out: u64,
    /// Number of batches handled.
    pub batches: u64,
    /// Demand still outstanding at the end.
    pub demand: u64,
    /// Number of restarts.
    pub restarts: u64,
    /// Seconds spent in callbacks, summed over all copies.
    pub busy_seconds: f64,
    /// Average share of the run that a copy spent in callbacks, 0 to 1.
    pub busy_share: f64,
}

impl StageRow {
    /// Returns the steps of a run of length `time`, in their order.
    pub fn of(stats: &[StageStats], time: Duration) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for copy in stats {
            match rows.last_mut().filter(|row| row.name == copy.step) {
                Some(row) => row.add(copy),
                None => rows.push(Self::first(copy)),
            }
        }
        for row in &mut rows {
            let copies = u32::try_from(row.copies).map_or(1.0, f64::from);
            row.busy_share = row.busy_seconds / copies / time.as_secs_f64().max(1e-9);
        }
        rows
    }

    fn first(copy: &StageStats) -> Self {
        let mut row = Self {
            name: copy.step.clone(),
            copies: 0,
            events_in: 0,
            events_out: 0,
            batches: 0,
            demand: 0,
            restarts: 0,
            busy_seconds: 0.0,
            busy_share: 0.0,
        };
        row.add(copy);
        row
    }

    fn add(&mut self, copy: &StageStats) {
        self.copies += 1;
        self.events_in += copy.events_in;
        self.events_out += copy.events_out;
        self.batches += copy.batches;
        self.demand += copy.demand;
        self.restarts += copy.restarts;
        self.busy_seconds += copy.busy.as_secs_f64();
    }
}
