//! Counts of deliveries by verdict.

use std::fmt;

use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// The number of errors kept verbatim.
const KEPT: usize = 16;

/// Counts of all deliveries by the sources of a pipeline, by verdict. All are zero without acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Settlement {
    /// Deliveries, including repeated ones.
    pub delivered: u64,
    /// Acknowledgements reported to the source.
    pub acknowledged: u64,
    /// Rejections reported to the source.
    pub rejected: u64,
    /// Of the rejections, those after which the source set the event aside for good, such as a message after its last
    /// attempt. Counted by the sources that say so: see [`Acknowledger::dead`](super::Acknowledger::dead).
    pub dead: u64,
    /// Verdicts that could not be reported. The source decides what follows; most deliver again.
    pub untold: u64,
    /// The first errors of acknowledgers.
    pub errors: Vec<String>,
}

impl Settlement {
    /// Returns the number of deliveries without a verdict.
    pub const fn open(&self) -> u64 {
        self.delivered.saturating_sub(self.acknowledged + self.rejected + self.untold)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.acknowledged += other.acknowledged;
        self.rejected += other.rejected;
        self.dead += other.dead;
        self.untold += other.untold;
        let room = KEPT.saturating_sub(self.errors.len());
        self.errors.extend(other.errors.into_iter().take(room));
    }
}

impl fmt::Display for Settlement {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, acknowledged, rejected, dead, untold, .. } = self;
        write!(f, "{delivered} delivered, {acknowledged} acknowledged, {rejected} rejected")?;
        if *dead > 0 {
            write!(f, " ({dead} dead)")?;
        }
        if *untold > 0 {
            write!(f, ", {untold} verdicts not reported")?;
        }
        match self.open() {
            0 => Ok(()),
            open => write!(f, ", {open} still held"),
        }
    }
}

/// Live counts of one stage's sources.
#[derive(Debug, Default)]
pub(super) struct Tally {
    delivered: AtomicU64,
    acknowledged: AtomicU64,
    rejected: AtomicU64,
    dead: AtomicU64,
    untold: AtomicU64,
    errors: Mutex<Vec<String>>,
}

/// Read-modify-write: a restarted source has several collectors, hence several writers.
fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

impl Tally {
    pub(super) fn delivered(&self, events: usize) {
        add(&self.delivered, events);
    }

    pub(super) fn told(&self, acknowledged: usize, rejected: usize) {
        add(&self.acknowledged, acknowledged);
        add(&self.rejected, rejected);
    }

    pub(super) fn dead(&self, events: u64) {
        self.dead.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn untold(&self, events: usize) {
        add(&self.untold, events);
    }

    pub(super) fn error(&self, error: String) {
        let mut errors = lock(&self.errors);
        if errors.len() < KEPT {
            errors.push(error);
        }
    }

    pub(super) fn read(&self) -> Settlement {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Settlement {
            delivered: load(&self.delivered),
            acknowledged: load(&self.acknowledged),
            rejected: load(&self.rejected),
            dead: load(&self.dead),
            untold: load(&self.untold),
            errors: lock(&self.errors).clone(),
        }
    }
}
