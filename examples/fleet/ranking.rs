//! The ranking of the customers in each window.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::args::Windows;
use super::click::Count;

/// The number of windows that are kept after their end, for counts that come late.
const KEPT: i64 = 100;

/// The counts of all open windows. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    windows: Windows,
    top: usize,
    state: Arc<Mutex<State>>,
    lines: UnboundedSender<String>,
}

#[derive(Debug, Default)]
struct State {
    /// Clicks by step and customer.
    steps: BTreeMap<i64, BTreeMap<String, u64>>,
    /// Windows that have changed since they were last shown, by their first step.
    changed: BTreeSet<i64>,
    /// The latest step seen.
    latest: Option<i64>,
    late: u64,
}

impl Ranking {
    /// Creates an empty ranking that sends a line for each window that has ended, and again when it has changed.
    pub(crate) fn new(windows: Windows, top: usize, lines: UnboundedSender<String>) -> Self {
        Self { windows, top, state: Arc::default(), lines }
    }

    /// Returns the number of the step that a time belongs to.
    pub(crate) const fn step_of(&self, at: i64) -> i64 {
        at.div_euclid(self.windows.step)
    }

    /// Adds a count.
    pub(crate) fn add(&self, count: &Count) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = self.windows.steps;
        let latest = state.latest.map_or(count.step, |latest| latest.max(count.step));
        if count.step < latest - steps - KEPT {
            state.late += count.clicks;
            return;
        }
        *state.steps.entry(count.step).or_default().entry(count.customer.clone()).or_default() +=
            count.clicks;
        state.changed.extend(count.step - steps + 1..=count.step);
        if state.latest.replace(latest) != Some(latest) {
            // One further step, for counts of other workers that are on their way.
            self.show(&mut state, latest - steps - 1);
            state.steps = state.steps.split_off(&(latest - 2 * steps - KEPT));
        }
    }

    /// Shows every window that has changed, and returns the number of clicks that came too late for all windows.
    pub(crate) fn finish(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.show(&mut state, i64::MAX - 1);
        state.late
    }

    /// Shows the changed windows up to the one that begins with step `last`.
    fn show(&self, state: &mut State, last: i64) {
        let open = state.changed.split_off(&(last + 1));
        for first in std::mem::replace(&mut state.changed, open) {
            // The receiver is gone at the end of the program only.
            let _ = self.lines.send(self.line(state, first));
        }
    }

    fn line(&self, state: &State, first: i64) -> String {
        let Windows { step, steps } = self.windows;
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (customer, clicks) in state.steps.range(first..first + steps).flat_map(|(_, counts)| counts) {
            *sums.entry(customer).or_default() += clicks;
        }
        let mut ranking: Vec<_> = sums.into_iter().collect();
        ranking.sort_by_key(|(customer, clicks)| (Reverse(*clicks), *customer));
        let mut line = format!("{}-{}", clock(first * step), clock((first + steps) * step));
        for (customer, clicks) in ranking.into_iter().take(self.top) {
            let _ = write!(line, "  {customer} {clicks}");
        }
        line
    }
}

/// Formats milliseconds as `h:mm:ss`.
fn clock(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn count(step: i64, customer: &str, clicks: u64) -> Count {
        Count { step, customer: customer.to_owned(), clicks }
    }

    #[test]
    fn a_window_is_shown_when_it_has_ended_and_again_when_it_has_changed() {
        let (lines, mut shown) = mpsc::unbounded_channel();
        let ranking = Ranking::new(Windows { step: 10_000, steps: 2 }, 2, lines);
        let mut new = || std::iter::from_fn(|| shown.try_recv().ok()).collect::<Vec<_>>();
        ranking.add(&count(0, "a", 2));
        ranking.add(&count(0, "b", 3));
        ranking.add(&count(1, "c", 3));
        assert!(new().is_empty());
        ranking.add(&count(3, "a", 1));
        assert_eq!(new(), ["-0:00:10-0:00:10  b 3  a 2", "0:00:00-0:00:20  b 3  c 3"]);
        ranking.add(&count(0, "a", 9));
        assert!(new().is_empty());
        ranking.add(&count(200, "a", 1));
        let changed = ["-0:00:10-0:00:10  a 11  b 3", "0:00:00-0:00:20  a 11  b 3", "0:00:10-0:00:30  c 3"];
        assert_eq!(new()[..3], changed);
        ranking.add(&count(1, "c", 7));
        assert_eq!(ranking.finish(), 7);
        assert_eq!(new().last().unwrap(), "0:33:20-0:33:40  a 1");
        assert_eq!((ranking.step_of(-1), ranking.step_of(19_999)), (-1, 1));
    }
}
