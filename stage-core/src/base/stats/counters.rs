//! The live numbers of one stage.

use std::time::Duration;

use super::clock::Clock;
use super::link_counters::{Links, Sharing};
use super::outcomes::{Discard, Discards, EventFailures};
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
    discarded: [AtomicU64; 4],
    retried: AtomicU64,
    skipped: AtomicU64,
    dead_lettered: AtomicU64,
    past_deadline: AtomicU64,
    remade_handlers: AtomicU64,
    restarts: AtomicU64,
    /// Whether the stage has no input but its own.
    is_source: AtomicBool,
    /// Whether each event goes to all subscribers.
    broadcasts: AtomicBool,
    pub(crate) clock: Clock,
    pub(crate) links: Links,
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

    pub(crate) fn discarded(&self, why: Discard, events: usize) {
        add(&self.discarded[why.index()], events as u64);
    }

    /// An event is tried again.
    pub(crate) fn retried(&self) {
        add(&self.retried, 1);
    }

    /// An event is neither handled nor tried again.
    pub(crate) fn skipped(&self) {
        add(&self.skipped, 1);
    }

    /// An event was set aside.
    pub(crate) fn dead_lettered(&self) {
        add(&self.dead_lettered, 1);
    }

    /// An attempt took longer than it may.
    pub(crate) fn past_deadline(&self) {
        add(&self.past_deadline, 1);
    }

    /// A handler that panicked is made anew.
    pub(crate) fn remade_handler(&self) {
        add(&self.remade_handlers, 1);
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

    /// How the demand of the subscribers adds up.
    pub(crate) fn set_sharing(&self, sharing: Sharing) {
        self.broadcasts.store(sharing == Sharing::All, Ordering::Relaxed);
    }

    /// What its subscribers want, with what the stage has not taken in yet.
    fn unmet(&self) -> u64 {
        let sharing = if self.broadcasts.load(Ordering::Relaxed) { Sharing::All } else { Sharing::OneEach };
        self.demand.load(Ordering::Relaxed).saturating_add(self.links.unseen(sharing))
    }

    fn failures(&self) -> EventFailures {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EventFailures {
            retried: load(&self.retried),
            skipped: load(&self.skipped),
            dead_lettered: load(&self.dead_lettered),
            past_deadline: load(&self.past_deadline),
            remade_handlers: load(&self.remade_handlers),
        }
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
        let discards = Discards::of(std::array::from_fn(|why| load(&self.discarded[why])));
        StageStats {
            step: step.to_owned(),
            copy,
            events_in: load(&self.events_in),
            events_out: load(&self.events_out),
            batches: load(&self.batches),
            demand: self.unmet(),
            buffered: load(&self.buffered),
            held: load(&self.held),
            discarded: discards.total(),
            discards,
            failures: self.failures(),
            busy: self.busy(),
            restarts: load(&self.restarts),
        }
    }
}
