//! What each stage did and holds, in numbers that can be read at any time.

use std::time::{Duration, Instant};

use crate::sync::{Arc, AtomicU64, Ordering};

/// What one stage did and holds.
///
/// Each number is exact; numbers read while a pipeline runs belong to slightly different moments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StageStats {
    /// The name of its step.
    pub step: String,
    /// Which copy of the step it is, from 0.
    pub copy: usize,
    /// Events it handled.
    pub events_in: u64,
    /// Events it handed to its subscribers.
    pub events_out: u64,
    /// Batches it handled, or for a producer demands.
    pub batches: u64,
    /// Events its subscribers want and it has not got.
    pub demand: u64,
    /// Events it emitted that nobody asked for yet.
    pub buffered: u64,
    /// Events it took in and keeps inside: open batches, what waits for a rate.
    pub held: u64,
    /// Events that were lost: buffers that overflowed, what a failing stage held.
    pub discarded: u64,
    /// Time spent in its callbacks, waiting included. Short callbacks are sampled.
    pub busy: Duration,
    /// How often it was restarted.
    pub restarts: u64,
}

impl StageStats {
    /// Adds the numbers of another run of the same stage; what is held now is what that one holds.
    pub(crate) fn add(&mut self, next: &Self) {
        self.events_in += next.events_in;
        self.events_out += next.events_out;
        self.batches += next.batches;
        self.demand = next.demand;
        self.buffered = next.buffered;
        self.held = next.held;
        self.discarded += next.discarded;
        self.busy += next.busy;
        self.restarts += next.restarts;
    }
}

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
    busy_nanos: AtomicU64,
    restarts: AtomicU64,
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
            busy: Duration::from_nanos(load(&self.busy_nanos)),
            restarts: load(&self.restarts),
        }
    }
}

/// Measures callbacks: each of the first ones, then each until they prove short, then one in sixteen,
/// counted sixteen times. Reading the clock twice costs about as much as a short callback.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    counters: Arc<Counters>,
    calls: u64,
    started: Option<Instant>,
    weight: u64,
}

/// Callbacks shorter than this are sampled.
const SHORT: Duration = Duration::from_micros(5);
const SAMPLE: u64 = 16;

impl Stopwatch {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, calls: 0, started: None, weight: 1 }
    }

    /// Whether callbacks proved short.
    #[inline]
    pub(crate) fn sees_short_ones(&self) -> bool {
        self.weight == SAMPLE
    }

    /// A callback begins.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.calls += 1;
        if self.weight == 1 || self.calls.is_multiple_of(SAMPLE) {
            self.started = Some(Instant::now());
        }
    }

    /// The callback ended.
    #[inline]
    pub(crate) fn stop(&mut self) {
        let Some(started) = self.started.take() else { return };
        let took = started.elapsed();
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let short = took < SHORT;
        add(&self.counters.busy_nanos, if short { nanos * self.weight } else { nanos });
        self.weight = if short && self.calls >= SAMPLE { SAMPLE } else { 1 };
    }
}
