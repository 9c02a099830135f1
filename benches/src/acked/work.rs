//! The work of a step: a mixing loop whose length is calibrated at first use.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The work of a step besides adding one: a number of turns of a mixing loop.
#[derive(Clone, Copy, Debug)]
pub struct Work(u64);

impl Work {
    /// No additional work.
    pub const NONE: Self = Self(0);

    /// Returns the work that takes about this long on this machine at present.
    pub fn lasting(each: Duration) -> Self {
        const TURNS: u64 = 2_000_000;
        let fastest = (0..7).map(|_| {
            let begin = Instant::now();
            black_box(Self(TURNS).on(black_box(1)));
            begin.elapsed()
        });
        let fastest = fastest.min().unwrap_or(each);
        let turns = u128::from(TURNS) * each.as_nanos() / fastest.as_nanos().max(1);
        Self(u64::try_from(turns).unwrap_or(TURNS))
    }

    /// Performs the work, and returns the next number.
    pub(crate) fn on(self, event: u64) -> u64 {
        let mut mixed = event;
        for _ in 0..self.0 {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        // Keeps the loop, without changing the sum at the end.
        black_box(mixed);
        event + 1
    }
}
