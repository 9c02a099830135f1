//! Windows of event time: the windows that contain a time, and the windows that have ended by a time.
//!
//! Window `n` is the interval from `n × step` to `n × step + span`, the end excluded. Windows are identified by
//! `n`, which fits an `i64` for every time that does; their ends may not, and are computed in 128 bits.

use std::fmt;
use std::ops::RangeInclusive;

/// Windows of `span` milliseconds that begin every `step` milliseconds; both are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spans {
    span: i128,
    step: i128,
}

/// One of consecutive windows: which events it accepts, without a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The number of the window.
    pub(crate) number: i64,
    /// The first and the last time in the window.
    first: i64,
    last: i64,
    /// The last watermark at which its events are not late.
    pub(crate) open_until: i64,
}

impl Interval {
    /// Returns whether an event at this time is in the window, and not late at this watermark.
    #[inline]
    pub(crate) fn accepts(self, at: i64, watermark: i64) -> bool {
        self.first <= at && at <= self.last && watermark <= self.open_until
    }
}

impl Spans {
    pub(crate) fn new(span: i128, step: i128) -> Self {
        debug_assert!(span > 0 && step > 0, "the public options are checked: {span}, {step}");
        Self { span, step }
    }

    /// Returns the duration of each window, in milliseconds.
    pub(crate) const fn span(self) -> i128 {
        self.span
    }

    /// Returns the time from the start of one window to that of the next, in milliseconds.
    pub(crate) const fn step(self) -> i128 {
        self.step
    }

    /// Returns the windows that contain `at`; empty if it is between two windows.
    #[inline]
    pub(crate) fn containing(self, at: i64) -> RangeInclusive<i64> {
        let last = self.begun_by(at);
        if self.span == self.step {
            return last..=last;
        }
        self.first_open(i128::from(at))..=last
    }

    /// Returns the last window that begins at or before `at`.
    #[inline]
    pub(crate) fn begun_by(self, at: i64) -> i64 {
        match i64::try_from(self.step) {
            Ok(step) => at.div_euclid(step),
            // At most one window begins within the range of `i64`: number 0.
            Err(_) => -i64::from(at < 0),
        }
    }

    /// Returns the first window that ends after `time`; all windows before it have ended.
    pub(crate) fn first_open(self, time: i128) -> i64 {
        // A 64-bit division is several times faster.
        let over = time - self.span;
        let number = match (i64::try_from(over), i64::try_from(self.step)) {
            (Ok(over), Ok(step)) => i128::from(over.div_euclid(step)),
            _ => over.div_euclid(self.step),
        };
        clamped(number + 1)
    }

    /// Returns the interval of a window that accepts events until the watermark is `lateness` past its end.
    pub(crate) fn interval(self, number: i64, lateness: i128) -> Interval {
        let start = i128::from(number) * self.step;
        let last = start + self.span - 1;
        let open_until = clamped(last.saturating_add(lateness));
        Interval { number, first: clamped(start), last: clamped(last), open_until }
    }

    /// Returns the end of a window, the first time that is not in it; `i64::MAX` if it is more.
    pub(crate) fn end(self, number: i64) -> i64 {
        clamped(i128::from(number) * self.step + self.span)
    }

    /// Returns the start of a window; `i64::MIN` if it is less.
    pub(crate) fn start(self, number: i64) -> i64 {
        clamped(i128::from(number) * self.step)
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "windows of {} ms every {} ms", self.span, self.step)
    }
}

fn clamped(number: i128) -> i64 {
    let least = if number < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(number).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Generates times of all magnitudes, including both ends of the range.
    fn time() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -50..50_i64, Just(i64::MIN), Just(i64::MAX), i64::MAX - 50..i64::MAX]
    }

    fn length() -> impl Strategy<Value = i128> {
        prop_oneof![1..20_i128, 1..i128::from(i64::MAX), Just(i128::from(u64::MAX) * 1000)]
    }

    proptest! {
        #[test]
        fn a_window_contains_the_times_from_its_start_to_before_its_end(
            at in time(),
            span in length(),
            step in length(),
        ) {
            // Keep the windows of each time few enough to check them all.
            let span = span.min(step * 30);
            let (spans, at) = (Spans::new(span, step), at);
            let windows = spans.containing(at);
            let has = |number: i64| {
                let start = i128::from(number) * step;
                start <= i128::from(at) && i128::from(at) < start + span
            };
            let near = spans.begun_by(at).saturating_sub(32)..=spans.begun_by(at).saturating_add(2);
            for number in near {
                prop_assert_eq!(windows.contains(&number), has(number), "{}", number);
            }
        }

        #[test]
        fn an_interval_accepts_what_the_window_does(
            (at, of, watermark) in (time(), time(), time()),
            step in length(),
            lateness in prop_oneof![0..20_i128, 0..i128::from(i64::MAX), Just(i128::from(u64::MAX) * 1000)],
        ) {
            let spans = Spans::new(step, step);
            for near in [at, of] {
                let interval = spans.interval(spans.begun_by(near), lateness);
                let is_open = interval.number >= spans.first_open(i128::from(watermark) - lateness);
                let expected = spans.begun_by(at) == interval.number && is_open;
                prop_assert_eq!(interval.accepts(at, watermark), expected, "{:?}", interval);
            }
        }

        #[test]
        fn a_window_closes_when_its_end_is_reached(time in time(), span in length(), step in length()) {
            let spans = Spans::new(span, step);
            let first = spans.first_open(i128::from(time));
            let end = |number: i64| i128::from(number) * step + span;
            prop_assert!(end(first) > i128::from(time) || first == i64::MAX);
            prop_assert!(end(first.saturating_sub(1)) <= i128::from(time) || first == i64::MIN);
        }
    }

    #[test]
    fn both_ends_of_time_are_in_windows() {
        let spans = Spans::new(1000, 1000);
        let [least, most] = [i64::MIN, i64::MAX].map(|at| *spans.containing(at).start());
        assert_eq!([spans.start(least), spans.start(most)], [i64::MIN, 9_223_372_036_854_775_000]);
        assert!(spans.first_open(i64::MAX.into()) <= most, "the last window is not over");
        let all = Spans::new(i128::from(u64::MAX) * 1000, i128::from(u64::MAX) * 1000);
        assert_eq!([-1, 0, i64::MAX].map(|at| *all.containing(at).end()), [-1, 0, 0]);
    }
}
