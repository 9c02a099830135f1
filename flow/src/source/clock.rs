//! The watermark of one part of a source: a pure function of the sequence of its events.
//!
//! One wrong timestamp must not move the watermark forward permanently, and a gap in the data must not stop
//! it permanently. Therefore a single event far ahead of the watermark does not move it, but a series of such
//! events does.

/// Number of events from which the first watermark is computed.
const FIRST: usize = 5;
/// Number of consecutive events too far ahead after which the watermark moves to the earliest of them.
const IN_A_ROW: u32 = 16;

/// The watermark of one part of a source.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// An event that is later than the watermark by more than this, in milliseconds, does not move it.
    most_ahead: u64,
    /// The watermark; `i64::MIN` until there is one.
    latest: i64,
    has_started: bool,
    /// The times of the first events, until there is a watermark.
    first: Vec<i64>,
    ahead: Option<Ahead>,
    /// Whether the next event moves the watermark, however far ahead it is.
    believes: bool,
    /// Whether there is a watermark, no event was too far ahead of it lately, and the source has not paused since.
    is_steady: bool,
}

/// Consecutive events that did not move the watermark.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    least: i64,
    events: u32,
}

impl Clock {
    pub(crate) fn new(most_ahead: i128) -> Self {
        // No two times differ by more than `u64::MAX`.
        let most_ahead = u64::try_from(most_ahead).unwrap_or(u64::MAX);
        let (latest, has_started, is_steady) = (i64::MIN, false, false);
        Self { most_ahead, latest, has_started, first: Vec::new(), ahead: None, believes: false, is_steady }
    }

    /// Observes the time of the next event; returns the watermark after it, if there is one yet.
    #[cfg(any(test, feature = "persist"))]
    pub(crate) fn see(&mut self, at: i64) -> Option<i64> {
        self.pass(at);
        self.watermark()
    }

    /// Observes the time of the next event; returns the watermark after it, or `i64::MIN` if there is none yet.
    #[inline]
    pub(crate) fn pass(&mut self, at: i64) -> i64 {
        // Most events are of these kinds.
        if self.is_steady && at <= self.latest {
            return self.latest;
        }
        if self.is_steady && at.abs_diff(self.latest) <= self.most_ahead {
            self.latest = at;
            return at;
        }
        self.pass_unsteady(at);
        self.latest
    }

    /// Observes an event too far ahead, or one while the watermark is not steady.
    #[cold]
    #[inline(never)]
    fn pass_unsteady(&mut self, at: i64) {
        if !self.has_started {
            self.see_first(at);
        } else if self.is_after(at, self.latest) && !self.believes {
            self.latest = self.see_ahead(at).unwrap_or(self.latest);
        } else {
            self.latest = self.latest.max(at);
            // Only an event near the watermark interrupts a series of events ahead of it.
            if self.ahead.is_some() && !self.is_after(self.latest, at) {
                self.ahead = None;
            }
            self.believes = false;
        }
        self.is_steady = self.has_started && self.ahead.is_none() && !self.believes;
    }

    fn watermark(&self) -> Option<i64> {
        self.has_started.then_some(self.latest)
    }

    /// Returns whether a time is after another one by more than an event may be ahead.
    fn is_after(&self, at: i64, other: i64) -> bool {
        at > other && at.abs_diff(other) > self.most_ahead
    }

    /// Records that the part has been idle: the next event may be later by any amount. Returns the watermark.
    pub(crate) fn pause(&mut self) -> Option<i64> {
        self.start();
        (self.ahead, self.believes, self.is_steady) = (None, true, false);
        self.watermark()
    }

    /// Records that the part has ended: returns the watermark of its first events, if there was none before.
    pub(crate) fn end(&mut self) -> Option<i64> {
        let had_started = self.has_started;
        self.start();
        self.watermark().filter(|_| !had_started)
    }

    fn see_first(&mut self, at: i64) {
        // Without a limit, and after a pause, each event moves the watermark.
        let all = self.most_ahead == u64::MAX || self.believes;
        self.believes = false;
        self.first.push(at);
        if all || self.first.len() == FIRST {
            self.start();
        }
    }

    /// Computes the first watermark: the latest of the first events that is not too far ahead of their
    /// median, so that an outlier on either side has no effect.
    fn start(&mut self) {
        let mut first = std::mem::take(&mut self.first);
        if first.is_empty() {
            return;
        }
        first.sort_unstable();
        let middle = first[(first.len() - 1) / 2];
        let believed = |at: &&i64| !self.is_after(**at, middle);
        if let Some(latest) = first.iter().rfind(believed) {
            (self.latest, self.has_started) = (*latest, true);
        }
    }

    /// Counts an event too far ahead; returns the new watermark if the series is long enough.
    fn see_ahead(&mut self, at: i64) -> Option<i64> {
        let before = self.ahead.unwrap_or(Ahead { least: at, events: 0 });
        let ahead = Ahead { least: before.least.min(at), events: before.events + 1 };
        let enough = ahead.events == IN_A_ROW;
        self.ahead = (!enough).then_some(ahead);
        enough.then_some(ahead.least)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn watermarks(most_ahead: i64, events: impl IntoIterator<Item = i64>) -> Vec<Option<i64>> {
        let mut clock = Clock::new(most_ahead.into());
        events.into_iter().map(|at| clock.see(at)).collect()
    }

    fn last(events: impl IntoIterator<Item = i64>) -> Option<i64> {
        watermarks(HOUR, events).pop().flatten()
    }

    #[test]
    fn a_first_event_of_another_time_does_not_stop_the_clock() {
        let right = || (0..10).map(|minute| NOW + minute * 60_000);
        for wrong in [0, NOW + 100 * HOUR, i64::MIN, i64::MAX] {
            assert_eq!(last([wrong].into_iter().chain(right())), Some(NOW + 9 * 60_000), "{wrong}");
        }
        assert_eq!(watermarks(HOUR, right().take(4)), [None; 4], "it has not started");
    }

    #[test]
    fn time_advances_past_a_gap_once_many_events_in_a_row_agree() {
        let before = || (0..10).map(|second| NOW + second * 1000);
        let after = |events| (0..events).map(|second| NOW + 8 * HOUR + second * 1000);
        assert_eq!(last(before().chain(after(15))), Some(NOW + 9000));
        assert_eq!(last(before().chain(after(16))), Some(NOW + 8 * HOUR));
        assert_eq!(last(before().chain(after(17))), Some(NOW + 8 * HOUR + 16_000));
        // Even if their distances from each other exceed the limit.
        let sparse = (0..40).map(|event| NOW + (8 + 2 * event) * HOUR);
        assert!(last(before().chain(sparse)) >= Some(NOW + 8 * HOUR));
    }

    #[test]
    fn a_source_that_is_wrong_now_and_then_is_not_believed() {
        let event = |number: i64| if number % 4 == 3 { NOW + 1000 * HOUR } else { NOW + number * 1000 };
        assert_eq!(last((0..1003).map(event)), Some(NOW + 1_002_000));
    }

    #[test]
    fn an_event_after_a_pause_is_believed_and_a_pause_starts_the_clock() {
        let mut clock = Clock::new(HOUR.into());
        assert_eq!((clock.pause(), clock.see(NOW)), (None, Some(NOW)));
        assert_eq!((clock.pause(), clock.see(NOW + 9 * HOUR)), (Some(NOW), Some(NOW + 9 * HOUR)));
        assert_eq!(clock.see(NOW + 19 * HOUR), Some(NOW + 9 * HOUR));
        let mut clock = Clock::new(HOUR.into());
        assert_eq!((clock.see(NOW), clock.see(NOW + 1), clock.end()), (None, None, Some(NOW + 1)));
    }

    proptest! {
        #[test]
        fn a_watermark_never_falls_and_is_the_time_of_an_event(
            events in proptest::collection::vec(prop_oneof![any::<i64>(), -100..100_i64], 0..100),
            most_ahead in prop_oneof![1..50_i128, Just(i128::MAX)],
        ) {
            let mut clock = Clock::new(most_ahead);
            let mut before = None;
            for (seen, at) in events.iter().enumerate() {
                let watermark = clock.see(*at);
                prop_assert!(watermark >= before, "{:?} after {:?}", watermark, before);
                prop_assert!(watermark.is_none_or(|watermark| events[..=seen].contains(&watermark)));
                prop_assert!(most_ahead < 50 || watermark >= Some(*at));
                before = watermark;
            }
        }

        #[test]
        fn a_steady_watermark_moves_as_any_other(
            events in proptest::collection::vec((prop_oneof![any::<i64>(), -100..100_i64], 0..20_u8), 0..100),
            most_ahead in prop_oneof![1..50_i128, Just(i128::MAX)],
        ) {
            let (mut clock, mut unsteady) = (Clock::new(most_ahead), Clock::new(most_ahead));
            for (at, pause) in events {
                if pause == 0 {
                    prop_assert_eq!(clock.pause(), unsteady.pause());
                }
                unsteady.is_steady = false;
                prop_assert_eq!(clock.see(at), unsteady.see(at));
            }
        }
    }
}
