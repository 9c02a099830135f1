//! Live statistics of one stage.

use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use super::gauges::ShownGauges;
use super::link_counters::{Links, Sharing};
use super::outcomes::{Discard, Discards, EventFailures};
use super::stage_stats::StageStats;
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Live statistics of one stage. Each counter has one writer at a time and any number of readers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// The name of the stage, for messages; empty if it has none.
    name: Arc<str>,
    events_in: AtomicU64,
    events_out: AtomicU64,
    batches: AtomicU64,
    demand: AtomicU64,
    buffered: AtomicU64,
    held: AtomicU64,
    left_out: AtomicU64,
    /// The limit of the events in progress; zero if there is none.
    at_once: AtomicU64,
    /// The number of events that wait for an attempt, and the time of the earliest.
    retries: Mutex<(usize, Option<Instant>)>,
    discarded: [AtomicU64; 4],
    retried: AtomicU64,
    skipped: AtomicU64,
    dead_lettered: AtomicU64,
    past_deadline: AtomicU64,
    fatal: AtomicU64,
    remade_handlers: AtomicU64,
    restarts: AtomicU64,
    /// Whether the stage creates its own input.
    is_source: AtomicBool,
    /// Whether a restarted source usually begins with its first events again.
    starts_over: AtomicBool,
    /// Whether each event goes to all subscribers.
    broadcasts: AtomicBool,
    /// Whether the callback that is pending only lets other tasks run.
    gives_way: AtomicBool,
    /// The text by which the stage names an outside server that it waits for.
    waiting_for: Mutex<Option<Arc<str>>>,
    pub(crate) gauges: ShownGauges,
    pub(crate) clock: Clock,
    pub(crate) links: Links,
}

/// Adds without read-modify-write, because there is only one writer.
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn of(name: &Arc<str>) -> Arc<Self> {
        Arc::new(Self { name: Arc::clone(name), ..Self::default() })
    }

    /// Returns the name of the stage.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    #[inline]
    pub(crate) fn handled(&self, events: usize) {
        add(&self.events_in, events as u64);
    }

    #[inline]
    pub(crate) fn batch(&self) {
        add(&self.batches, 1);
    }

    /// Returns the number of events handled and that of batches. Exact for the stage, which is the only writer.
    #[inline]
    pub(crate) fn handled_in_batches(&self) -> (u64, u64) {
        (self.events_in.load(Ordering::Relaxed), self.batches.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn sent(&self, events: usize) {
        add(&self.events_out, events as u64);
    }

    /// Takes back events that were counted as sent, but were returned or lost on the way.
    pub(crate) fn unsent(&self, events: usize) {
        self.events_out.store(self.events_out.load(Ordering::Relaxed) - events as u64, Ordering::Relaxed);
    }

    /// Counts events that the stage took and left out on purpose.
    #[inline]
    pub(crate) fn left_out(&self, events: usize) {
        if events > 0 {
            add(&self.left_out, events as u64);
        }
    }

    pub(crate) fn discarded(&self, why: Discard, events: usize) {
        add(&self.discarded[why.index()], events as u64);
    }

    /// Counts a retry of an event.
    pub(crate) fn retried(&self) {
        add(&self.retried, 1);
    }

    /// Counts an event that was skipped: neither handled nor retried.
    pub(crate) fn skipped(&self) {
        add(&self.skipped, 1);
    }

    /// Counts an event that was set aside as a dead letter.
    pub(crate) fn dead_lettered(&self) {
        add(&self.dead_lettered, 1);
    }

    /// Counts an attempt that exceeded its deadline.
    pub(crate) fn past_deadline(&self) {
        add(&self.past_deadline, 1);
    }

    /// Records an event whose failure ends the stage.
    pub(crate) fn fatal(&self) {
        add(&self.fatal, 1);
    }

    /// Counts a handler that was rebuilt after a panic.
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

    /// Sets the number of events that the stage holds inside.
    pub(crate) fn keep(&self, events: usize) {
        self.held.store(events as u64, Ordering::Relaxed);
    }

    /// Sets the limit of the events in progress.
    pub(crate) fn set_at_once(&self, events: usize) {
        self.at_once.store(events as u64, Ordering::Relaxed);
    }

    /// Sets the number of events that wait for their next attempt, and the time at which the earliest is due.
    #[inline]
    pub(crate) fn set_retries(&self, waiting: usize, next: Option<Instant>) {
        *lock(&self.retries) = (waiting, next);
    }

    /// Counts the `kept` events of a stage that has ended as discarded, and warns of them with the reason.
    #[inline]
    pub(crate) fn discard_kept(&self, kept: usize, reason: &str) {
        if kept > 0 {
            self.discarded(Discard::Ended, kept);
            self.keep(0);
            self.set_retries(0, None);
            tracing::warn!(stage = self.name(), discarded = kept, "events discarded: {reason}");
        }
    }

    pub(crate) fn set_giving_way(&self, gives_way: bool) {
        self.gives_way.store(gives_way, Ordering::Relaxed);
    }

    pub(crate) fn is_giving_way(&self) -> bool {
        self.gives_way.load(Ordering::Relaxed)
    }

    /// Names what the stage waits for outside of the pipeline.
    #[inline]
    pub(crate) fn set_waiting_for(&self, what: Option<&str>) {
        *lock(&self.waiting_for) = what.map(Arc::from);
    }

    pub(crate) fn waiting_for(&self) -> Option<String> {
        lock(&self.waiting_for).as_deref().map(str::to_owned)
    }

    /// Returns the number of events that the stage holds inside.
    pub(crate) fn kept(&self) -> usize {
        usize::try_from(self.held.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    pub(crate) fn demand(&self) -> usize {
        usize::try_from(self.demand.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Sets how the demands of the subscribers are combined.
    pub(crate) fn set_sharing(&self, sharing: Sharing) {
        self.broadcasts.store(sharing == Sharing::All, Ordering::Relaxed);
    }

    /// Returns the demand of the subscribers, including asks that the stage has not yet received.
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
            fatal: load(&self.fatal),
            remade_handlers: load(&self.remade_handlers),
        }
    }

    /// Sets whether the stage creates its own input. Waiting for that input does not count as busy.
    pub(crate) fn set_source(&self, is_source: bool) {
        self.is_source.store(is_source, Ordering::Relaxed);
    }

    pub(crate) fn set_starts_over(&self, starts_over: bool) {
        self.starts_over.store(starts_over, Ordering::Relaxed);
    }

    pub(crate) fn starts_over(&self) -> bool {
        self.starts_over.load(Ordering::Relaxed)
    }

    pub(crate) fn is_source(&self) -> bool {
        self.is_source.load(Ordering::Relaxed)
    }

    fn busy(&self) -> Duration {
        let times = self.clock.times();
        if self.is_source() { times.working } else { times.working + times.waiting }
    }

    /// Returns the current values.
    pub(crate) fn read(&self, step: &str, copy: usize) -> StageStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let discards = Discards::of(std::array::from_fn(|why| load(&self.discarded[why])));
        let (retries, next) = *lock(&self.retries);
        StageStats {
            step: step.to_owned(),
            copy,
            events_in: load(&self.events_in),
            events_out: load(&self.events_out),
            batches: load(&self.batches),
            demand: self.unmet(),
            buffered: load(&self.buffered),
            held: load(&self.held),
            left_out: load(&self.left_out),
            at_once: usize::try_from(load(&self.at_once)).ok().filter(|events| *events > 0),
            retries: retries as u64,
            next_retry: next.map(|next| next.saturating_duration_since(Instant::now())),
            discarded: discards.total(),
            discards,
            failures: self.failures(),
            busy: self.busy(),
            restarts: load(&self.restarts),
            gauges: self.gauges.read(),
        }
    }
}
