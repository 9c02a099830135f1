//! The samples of one pipeline, and what its viewers get of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_core::watch::Entry;
use tokio::sync::watch;
use tokio::time::Instant;

use super::history::History;
use super::span::Span;
use crate::view::{Sample, Summary, Tick};

/// The samples of one pipeline.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Another pipeline may take the place of one that left the board.
    entry: Mutex<Entry>,
    samples: Mutex<Samples>,
    /// The updates a second that each viewer wants.
    viewers: Mutex<Vec<u64>>,
    /// The last tick as JSON; empty before the first one.
    ticks: watch::Sender<Arc<str>>,
    has_left: AtomicBool,
}

#[derive(Debug, Default)]
struct Samples {
    span: Span,
    history: History,
    summary: Summary,
    next: Option<Instant>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    pub(super) fn new(entry: Entry) -> Self {
        let (ticks, _) = watch::channel("".into());
        let (entry, has_left) = (Mutex::new(entry), AtomicBool::new(false));
        Self { entry, samples: Mutex::default(), viewers: Mutex::default(), ticks, has_left }
    }

    /// Returns the entry of the board.
    pub(crate) fn entry(&self) -> Entry {
        lock(&self.entry).clone()
    }

    pub(super) fn set_entry(&self, entry: Entry) {
        *lock(&self.entry) = entry;
    }

    /// Ends the viewers: the pipeline has left the board.
    pub(super) fn leave(&self) {
        self.has_left.store(true, Ordering::Release);
        self.ticks.send_replace("".into());
    }

    pub(super) fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Acquire)
    }

    /// Returns the time between two samples: that of the fastest viewer, or a second without one.
    fn pause(&self) -> Duration {
        let hz = lock(&self.viewers).iter().copied().max().unwrap_or(1).max(1);
        Duration::from_secs(1) / u32::try_from(hz).unwrap_or(1)
    }

    /// Takes a sample if one is due at `now`; returns when the next one is due.
    pub(super) fn sample_when_due(&self, now: Instant) -> Instant {
        let pause = self.pause();
        let mut samples = lock(&self.samples);
        match samples.next {
            // A faster viewer may have come since.
            Some(next) if now < next && now + pause >= next => return next,
            _ => {}
        }
        samples.next = Some(now + pause);
        self.sample(&mut samples);
        now + pause
    }

    fn sample(&self, samples: &mut Samples) {
        let entry = self.entry();
        let status = entry.status();
        if !samples.span.add(entry.monitor().snapshot()) {
            samples.history = History::default();
        }
        let (Some(last), Some(far), Some(near)) =
            (samples.span.last(), samples.span.far(), samples.span.near())
        else {
            return;
        };
        let assessment = samples.span.assessment();
        let sample = Sample { last, status: &status, far: &far, near: &near, assessment };
        let tick = Tick::new(sample);
        if !near.elapsed.is_zero() {
            samples.history.add(status.uptime.as_secs(), tick.rates());
        }
        samples.summary = tick.summary();
        if self.ticks.receiver_count() > 0 {
            // Strings and numbers always have a form in JSON.
            let json = serde_json::to_string(&tick).unwrap_or_default();
            self.ticks.send_replace(json.into());
        }
    }

    /// Returns the last sample in short.
    pub(crate) fn summary(&self) -> Summary {
        lock(&self.samples).summary.clone()
    }

    /// Returns the history as JSON, and the ticks from now on.
    pub(super) fn watch(&self, hz: u64) -> (String, watch::Receiver<Arc<str>>) {
        lock(&self.viewers).push(hz);
        let ticks = self.ticks.subscribe();
        let mut samples = lock(&self.samples);
        // The viewer need not wait for the next second.
        samples.next = None;
        (samples.history.json(), ticks)
    }

    pub(super) fn unwatch(&self, hz: u64) {
        let mut viewers = lock(&self.viewers);
        if let Some(place) = viewers.iter().position(|other| *other == hz) {
            viewers.swap_remove(place);
        }
    }
}
