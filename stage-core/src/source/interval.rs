//! A source that emits ticks at a fixed period.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::feed::{Fed, Feed, serve};
use crate::base::error::{BoxError, StageResult};
use crate::base::moment;
use crate::credit::demand::Demand;
use crate::stage::{Context, Emitter, Init, Producer};

/// Creates a source that emits a [`Tick`] every `period`, the first one `period` after the stage has started.
///
/// Nothing is emitted without demand: a tick that falls due without demand is late, and [`Missed`] decides
/// how it is handled. All due ticks are handed on at once. Timers have a resolution of one millisecond, and
/// ticks that fall due before the timer fires are not late: a shorter period yields several ticks at once and
/// keeps its rate.
///
/// ```
/// use std::time::Duration;
/// use stage_core::{Pipeline, source};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ticked, mut ticks) = tokio::sync::mpsc::channel(1);
/// let pipeline = Pipeline::builder("clock")
///     .start("tick", || Ok(source::interval(Duration::from_secs(1))?))
///     .finish("print", move || Ok(stage_core::sink::into_channel(ticked.clone())));
/// let running = pipeline.start().await?;
/// assert_eq!(ticks.recv().await.map(|tick| tick.number), Some(0));
/// assert_eq!(ticks.recv().await.map(|tick| tick.number), Some(1));
/// running.drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Ordering
///
/// Ticks are emitted in the order of their numbers.
///
/// # Restart
///
/// The clock starts over: numbers start at 0, and the first tick comes one period later.
///
/// # Errors
///
/// [`IntervalError::Period`] if `period` is zero.
///
/// # Panics
///
/// The stage fails when it runs on a runtime whose time is not enabled.
///
/// # Cancel safety
///
/// A drain ends the wait for the next tick.
pub fn interval(period: Duration) -> Result<Interval, IntervalError> {
    if period.is_zero() {
        return Err(IntervalError::Period);
    }
    Ok(Interval { period, missed: Missed::default(), clock: None, asked: None })
}

/// An invalid interval.
#[derive(Clone, Copy, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum IntervalError {
    /// The period is zero, so that all ticks would be due at once.
    #[error("the period of an interval must be longer than zero")]
    Period,
}

/// Handling of ticks that fell due while there was no demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// Skips them and reports their number in the tick emitted in their place; the schedule of later ticks
    /// does not change.
    #[default]
    Skip,
    /// Emits all of them as soon as there is demand.
    Burst,
    /// Skips and counts them; the next tick is due a full period after the late one was emitted.
    Delay,
}

/// One tick of an [`interval`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Number of ticks this stage has emitted before.
    pub number: u64,
    /// Number of ticks skipped between the previous tick and this one.
    pub missed: u64,
    /// The time at which the tick was due.
    pub due: Instant,
}

/// The source made by [`interval`].
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    missed: Missed,
    clock: Option<Clock>,
    /// Start of the current wait for a tick.
    asked: Option<Instant>,
}

/// A running clock.
#[derive(Debug)]
struct Clock {
    schedule: Schedule,
    sleep: Pin<Box<Sleep>>,
}

/// Computes the due ticks; time is an argument.
#[derive(Debug)]
struct Schedule {
    period: Duration,
    policy: Missed,
    due: Instant,
    number: u64,
}

impl Interval {
    /// Sets the handling of ticks without demand in time. Default: [`Missed::Skip`].
    #[must_use]
    pub fn missed(mut self, policy: Missed) -> Self {
        self.missed = policy;
        self
    }

    #[inline]
    fn clock(&mut self) -> &mut Clock {
        let (period, policy) = (self.period, self.missed);
        self.clock.get_or_insert_with(|| {
            let due = later(Instant::now(), period);
            Clock { schedule: Schedule { period, policy, due, number: 0 }, sleep: Box::pin(sleep_until(due)) }
        })
    }
}

/// Clones the settings; the clone's clock has not started.
impl Clone for Interval {
    fn clone(&self) -> Self {
        Self { period: self.period, missed: self.missed, clock: None, asked: None }
    }
}

impl Schedule {
    /// Appends the ticks due at `now`: at least one, because the next tick is due by `now`, and at most
    /// `room`. Ticks that were already due at `asked`, when the demand arrived, are late.
    #[inline]
    fn take(&mut self, now: Instant, asked: Instant, room: usize, into: &mut Vec<Tick>) {
        let mut room = room;
        if self.due <= asked && self.policy != Missed::Burst {
            self.take_late(asked, into);
            room -= 1;
        }
        for _ in 0..room {
            if self.due > now {
                break;
            }
            into.push(self.tick(0, self.due));
            self.due = later(self.due, self.period);
        }
    }

    /// Appends one tick in place of all ticks that are late at `asked`.
    #[inline]
    fn take_late(&mut self, asked: Instant, into: &mut Vec<Tick>) {
        let (skipped, into_period) = self.late(asked);
        match self.policy {
            Missed::Skip => {
                let since = asked - into_period;
                into.push(self.tick(skipped, since));
                self.due = later(since, self.period);
            }
            Missed::Delay => {
                into.push(self.tick(skipped, self.due));
                self.due = later(asked, self.period);
            }
            Missed::Burst => {}
        }
    }

    /// Returns how many ticks fell due after the next one, and how long ago the last of them was due.
    #[inline]
    fn late(&self, now: Instant) -> (u64, Duration) {
        let late = now.saturating_duration_since(self.due).as_nanos();
        let period = self.period.as_nanos();
        let whole = |nanos: u128| u64::try_from(nanos).unwrap_or(u64::MAX);
        (whole(late / period), Duration::from_nanos(whole(late % period)))
    }

    fn tick(&mut self, missed: u64, due: Instant) -> Tick {
        self.number += 1;
        Tick { number: self.number - 1, missed, due }
    }
}

/// Returns `wait` after `from`, or a time 30 years ahead if the clock cannot represent that.
#[inline]
fn later(from: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    moment::after(from, wait).or_else(|| from.checked_add(NEVER)).unwrap_or(from)
}

impl Feed for Interval {
    type Item = Tick;

    #[inline]
    fn poll_take(
        &mut self,
        cx: &mut TaskContext<'_>,
        room: usize,
        into: &mut Vec<Tick>,
    ) -> Poll<Result<Fed, BoxError>> {
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let Clock { schedule, sleep } = self.clock();
        while Instant::now() < schedule.due {
            sleep.as_mut().reset(schedule.due);
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        schedule.take(Instant::now(), asked, room, into);
        self.asked = None;
        Poll::Ready(Ok(Fed::Events))
    }
}

impl Producer for Interval {
    type Event = Tick;

    const SINGLE: bool = true;

    async fn init(&mut self, _cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.clock();
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Tick>) -> StageResult {
        serve(self, demand, out).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns the ticks taken at each of these tenths of a second, as `(number, missed, due in tenths)`.
    fn ticks(policy: Missed, room: usize, tenths: &[u32]) -> Vec<(u64, u64, u128)> {
        let start = Instant::now();
        let mut schedule = Schedule { period: SECOND, policy, due: start + SECOND, number: 0 };
        let mut taken = Vec::new();
        for tenth in tenths {
            let now = start + SECOND / 10 * *tenth;
            if now >= schedule.due {
                schedule.take(now, now, room, &mut taken);
            }
        }
        taken
            .iter()
            .map(|tick: &Tick| (tick.number, tick.missed, (tick.due - start).as_millis() / 100))
            .collect()
    }

    #[test]
    fn skipped_ticks_are_counted_and_the_next_keeps_its_time() {
        assert_eq!(ticks(Missed::Skip, 9, &[10, 35, 39, 40]), [(0, 0, 10), (1, 1, 30), (2, 0, 40)]);
    }

    #[test]
    fn a_burst_makes_up_for_late_ticks_as_far_as_demand_allows() {
        assert_eq!(ticks(Missed::Burst, 9, &[35, 40]), [(0, 0, 10), (1, 0, 20), (2, 0, 30), (3, 0, 40)]);
        assert_eq!(ticks(Missed::Burst, 2, &[35]), [(0, 0, 10), (1, 0, 20)]);
    }

    #[test]
    fn a_tick_requested_before_it_was_due_is_not_late_even_if_its_timer_is() {
        let start = Instant::now();
        for policy in [Missed::Skip, Missed::Burst, Missed::Delay] {
            let mut schedule = Schedule { period: SECOND, policy, due: start + SECOND, number: 0 };
            let mut taken = Vec::new();
            schedule.take(start + SECOND * 9 / 2, start + SECOND / 2, 3, &mut taken);
            schedule.take(start + SECOND * 9 / 2, start + SECOND * 9 / 2, 3, &mut taken);
            let due: Vec<_> = taken.iter().map(|tick| (tick.missed, (tick.due - start).as_secs())).collect();
            assert_eq!(due, [(0, 1), (0, 2), (0, 3), (0, 4)], "{policy:?}");
        }
    }

    #[test]
    fn a_delayed_tick_delays_the_next() {
        assert_eq!(ticks(Missed::Delay, 9, &[35, 40, 44, 45]), [(0, 2, 10), (1, 0, 45)]);
    }

    #[test]
    fn a_period_of_zero_is_refused_and_the_longest_is_not() {
        assert_eq!(interval(Duration::ZERO).unwrap_err(), IntervalError::Period);
        assert!(later(Instant::now(), Duration::MAX) > Instant::now());
    }
}
