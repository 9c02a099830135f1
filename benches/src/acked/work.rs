//! What does a step do? A mixing loop of a length that is measured when it is needed.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a step does to an event, beside adding one: so many turns of a mixing loop.
#[derive(Clone, Copy, Debug)]
pub struct Work(u64);

impl Work {
    /// Nothing more.
    pub const NONE: Self = Self(0);

    /// About so long on this machine, now.
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

    /// Does it, and gives the next number.
    pub(super) fn on(self, event: u64) -> u64 {
        let mut mixed = event;
        for _ in 0..self.0 {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        // The sum at the end stays known, and the loop stays.
        black_box(mixed);
        event + 1
    }
}
