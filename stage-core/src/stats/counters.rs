//! The live numbers of one stage.

use std::time::Duration;

use super::clock::Clock;
use super::stage_stats::StageStats;
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// The live numbers of one stage. Each is written by one task at a time, and read by anyone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    events_in: AtomicU64,
    events_out: AtomicU64,
    batches: AtomicU64,
    demand: AtomicU64,
    buffered: AtomicU64,
    held: AtomicU64,
    discarded: AtomicU64,
    restarts: AtomicU64,
    /// Whether the stage has no input but its own.
    is_source: AtomicBool,
    pub(crate) clock: Clock,
}

/// Adds without a read-modify-write: there is only one writer.
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

impl Counters {
    #[inline]
    pub(crate) fn handled(&self, events: usize) {
        add(&self.events_in, events as u64);
    }

    #[inline]
    pub(crate) fn batch(&self) {
        add(&self.batches, 1);
    }

    #[inline]
    pub(crate) fn sent(&self, events: usize) {
        add(&self.events_out, events as u64);
    }

    /// Events that were sent came back, or were lost on their way.
    pub(crate) fn unsent(&self, events: usize) {
        self.events_out.store(self.events_out.load(Ordering::Relaxed) - events as u64, Ordering::Relaxed);
    }

    pub(crate) fn discarded(&self, events: usize) {
        add(&self.discarded, events as u64);
    }

    pub(crate) fn restarted(&self) {
        add(&self.restarts, 1);
    }

    #[inline]
    pub(crate) fn hold(&self, demand: usize, buffered: usize) {
        self.demand.store(demand as u64, Ordering::Relaxed);
        self.buffered.store(buffered as u64, Ordering::Relaxed);
    }

    /// A stage keeps so many events inside.
    pub(crate) fn keep(&self, events: usize) {
        self.held.store(events as u64, Ordering::Relaxed);
    }

    /// What it keeps inside.
    pub(crate) fn kept(&self) -> usize {
        usize::try_from(self.held.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    pub(crate) fn demand(&self) -> usize {
        usize::try_from(self.demand.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Whether the stage has no input but its own: what it waits for then is no work.
    pub(crate) fn set_source(&self, is_source: bool) {
        self.is_source.store(is_source, Ordering::Relaxed);
    }

    pub(crate) fn is_source(&self) -> bool {
        self.is_source.load(Ordering::Relaxed)
    }

    fn busy(&self) -> Duration {
        let times = self.clock.times();
        if self.is_source() { times.working } else { times.working + times.waiting }
    }

    /// The numbers as they are now.
    pub(crate) fn read(&self, step: &str, copy: usize) -> StageStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StageStats {
            step: step.to_owned(),
            copy,
            events_in: load(&self.events_in),
            events_out: load(&self.events_out),
            batches: load(&self.batches),
            demand: load(&self.demand),
            buffered: load(&self.buffered),
            held: load(&self.held),
            discarded: load(&self.discarded),
            busy: self.busy(),
            restarts: load(&self.restarts),
        }
    }
}
