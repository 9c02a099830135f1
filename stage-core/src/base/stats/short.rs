//! Detects callbacks so short that several of them can share one round of bookkeeping.

use std::time::{Duration, Instant};

/// Measures the duration of callbacks: every one until they prove short, then one in sixteen, because reading
/// the clock twice costs about as much as a short callback.
#[derive(Debug, Default)]
pub(crate) struct Short {
    calls: u64,
    started: Option<Instant>,
    proved: bool,
}

/// The limit below which a callback is short.
const SHORT: Duration = Duration::from_micros(5);
const SAMPLE: u64 = 16;

impl Short {
    /// Returns whether the callbacks proved short.
    pub(crate) fn proved(&self) -> bool {
        self.proved
    }

    /// Notes that a callback begins.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.calls += 1;
        if !self.proved || self.calls.is_multiple_of(SAMPLE) {
            self.started = Some(Instant::now());
        }
    }

    /// Notes that the callback ended.
    #[inline]
    pub(crate) fn stop(&mut self) {
        let Some(started) = self.started.take() else { return };
        self.proved = started.elapsed() < SHORT && self.calls >= SAMPLE;
    }
}
