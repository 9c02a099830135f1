//! What time it is for the clocks of stages, to the nanosecond or as of the last tick of the operating system.
//!
//! A reading to the nanosecond takes about as long as a quick callback for ten events, the last tick a quarter of that.
//! Ticks come every 1 to 10 ms. An interval that is measured by ticks is wrong by up to one, but right on average: it
//! counts a tick as often as one falls into it. So short intervals that are many are measured by ticks, others finely.

use std::cell::Cell;

thread_local! {
    /// What this thread read last, in a round of stages that it polls one after the other.
    static LAST: Cell<Last> = const { Cell::new(Last::NoRound) };
}

#[derive(Clone, Copy)]
enum Last {
    NoRound,
    /// There is a round, and the next poll begins at no known tick.
    Unknown,
    /// The last poll ended with this tick, and the next one begins with it.
    Tick(u64),
}

/// This thread begins to poll stages one after the other. Each poll that ends reads the clock, so the next one need
/// not when it begins.
pub(crate) fn begin_round() {
    LAST.set(Last::Unknown);
}

/// This thread does something else between two polls from now on.
pub(crate) fn end_round() {
    LAST.set(Last::NoRound);
}

/// How finely time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// To the nanosecond.
    Fine,
    /// As of the last tick.
    Tick,
}

/// Tells the time in nanoseconds since some moment, at least 1.
#[derive(Debug, Default)]
pub(super) struct Time(source::Source);

impl Time {
    #[inline]
    pub(super) fn now(&self, grain: Grain) -> u64 {
        match grain {
            Grain::Fine => self.0.fine(),
            Grain::Tick => self.0.tick(),
        }
    }

    /// The time at which a poll begins.
    #[inline]
    pub(super) fn poll_begins(&self, grain: Grain) -> u64 {
        match (grain, LAST.get()) {
            (Grain::Tick, Last::Tick(tick)) => tick,
            _ => self.now(grain),
        }
    }

    /// The time at which a poll ends.
    #[inline]
    pub(super) fn poll_ends(&self, grain: Grain) -> u64 {
        let now = self.now(grain);
        LAST.with(|last| match (last.get(), grain) {
            (Last::NoRound, _) => {}
            (_, Grain::Tick) => last.set(Last::Tick(now)),
            (_, Grain::Fine) => last.set(Last::Unknown),
        });
        now
    }
}

#[cfg(all(target_os = "linux", not(feature = "test-util"), not(test)))]
mod source {
    use rustix::time::{ClockId, clock_gettime};

    #[derive(Debug, Default)]
    pub(super) struct Source;

    impl Source {
        #[inline]
        pub(super) fn fine(&self) -> u64 {
            read(ClockId::Monotonic)
        }

        #[inline]
        pub(super) fn tick(&self) -> u64 {
            read(ClockId::MonotonicCoarse)
        }
    }

    #[inline]
    #[allow(clippy::cast_sign_loss, reason = "time since the machine was started is never negative")]
    fn read(clock: ClockId) -> u64 {
        let time = clock_gettime(clock);
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

/// Where there is no clock of ticks, or tests may have paused the time of the runtime.
#[cfg(not(all(target_os = "linux", not(feature = "test-util"), not(test))))]
mod source {
    use std::sync::OnceLock;

    use tokio::time::Instant;

    #[derive(Debug, Default)]
    pub(super) struct Source {
        origin: OnceLock<Instant>,
    }

    impl Source {
        #[inline]
        pub(super) fn fine(&self) -> u64 {
            let since = self.origin.get_or_init(Instant::now).elapsed();
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
        }

        #[inline]
        pub(super) fn tick(&self) -> u64 {
            self.fine()
        }
    }
}
