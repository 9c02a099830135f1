//! The time source of the stages' clocks: precise to the nanosecond, or as of the operating system's last
//! tick.
//!
//! A precise reading takes about as long as a quick callback for ten events; reading the last tick takes a
//! quarter of that. Ticks come every 1 to 10 ms. An interval measured by ticks is wrong by up to one tick,
//! but right on average, since a tick is counted as often as one falls into the interval. Many short
//! intervals are therefore measured by ticks, others precisely.

use std::cell::Cell;

thread_local! {
    /// The last reading of this thread, while it polls stages one after the other in a run of its queue.
    static LAST: Cell<Last> = const { Cell::new(Last::NoRun) };
}

#[derive(Clone, Copy)]
enum Last {
    NoRun,
    /// A run is going on, and the next poll has no known start tick.
    Unknown,
    /// The last poll ended at this tick, and the next one begins at it.
    Tick(u64),
}

/// Starts a run of the local queue, in which this thread polls stages one after the other. Each poll reads the clock when it
/// ends, so the next one need not read it when it begins.
pub(crate) fn begin_queue_run() {
    LAST.set(Last::Unknown);
}

/// Ends the run: from now on this thread does other work between two polls.
pub(crate) fn end_queue_run() {
    LAST.set(Last::NoRun);
}

/// The precision of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// To the nanosecond.
    Fine,
    /// As of the last tick.
    Tick,
}

/// Returns the time in nanoseconds since an arbitrary origin; at least 1.
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

    /// Returns the time at which a poll begins.
    #[inline]
    pub(super) fn poll_begins(&self, grain: Grain) -> u64 {
        match (grain, LAST.get()) {
            (Grain::Tick, Last::Tick(tick)) if source::ONE_ORIGIN => tick,
            _ => self.now(grain),
        }
    }

    /// Returns the time at which a poll ends.
    #[inline]
    pub(super) fn poll_ends(&self, grain: Grain) -> u64 {
        let now = self.now(grain);
        LAST.with(|last| match (last.get(), grain) {
            (Last::NoRun, _) => {}
            (_, Grain::Tick) => last.set(Last::Tick(now)),
            (_, Grain::Fine) => last.set(Last::Unknown),
        });
        now
    }
}

#[cfg(all(target_os = "linux", not(feature = "test-util"), not(test)))]
mod source {
    use rustix::time::{ClockId, clock_gettime};

    /// Whether the readings of all stages count from the same moment, so that one can be used for another.
    pub(super) const ONE_ORIGIN: bool = true;

    #[derive(Debug, Default)]
    pub(super) struct Source;

    #[allow(clippy::unused_self, reason = "the clock of the tests has a state")]
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

/// The fallback for systems without a coarse clock, and for tests that may have paused the runtime's time.
#[cfg(not(all(target_os = "linux", not(feature = "test-util"), not(test))))]
mod source {
    use std::sync::OnceLock;

    use tokio::time::Instant;

    /// Each clock counts from its own first reading: a paused time has no moment that is early enough for all.
    pub(super) const ONE_ORIGIN: bool = false;

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_poll_is_the_start_of_another_stage_s_only_if_they_count_from_the_same_moment() {
        let (first, second) = (Time::default(), Time::default());
        first.now(Grain::Fine);
        tokio::time::advance(Duration::from_secs(1)).await;
        let begun = second.now(Grain::Fine);
        begin_queue_run();
        assert_eq!(first.poll_ends(Grain::Tick), begun + 1_000_000_000);
        assert_eq!(second.poll_begins(Grain::Tick), begun);
        end_queue_run();
    }
}
