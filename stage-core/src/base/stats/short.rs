//! Whether callbacks are so short that a few of them can share what is done between two.

use std::time::{Duration, Instant};

/// Measures callbacks: each until they prove short, then one in sixteen, since reading the clock twice costs about as
/// much as a short callback.
#[derive(Debug, Default)]
pub(crate) struct Short {
    calls: u64,
    started: Option<Instant>,
    proved: bool,
}

/// Callbacks that take less are short.
const SHORT: Duration = Duration::from_micros(5);
const SAMPLE: u64 = 16;

impl Short {
    /// Whether callbacks proved short.
    pub(crate) fn proved(&self) -> bool {
        self.proved
    }

    /// A callback begins.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.calls += 1;
        if !self.proved || self.calls.is_multiple_of(SAMPLE) {
            self.started = Some(Instant::now());
        }
    }

    /// The callback ended.
    #[inline]
    pub(crate) fn stop(&mut self) {
        let Some(started) = self.started.take() else { return };
        self.proved = started.elapsed() < SHORT && self.calls >= SAMPLE;
    }
}
