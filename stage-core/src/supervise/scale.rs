//! The rule by which the number of copies of a step follows its load. Time comes in as an argument.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::copies::Copies;
use crate::base::stats::StateTimes;

/// The time between two readings.
pub(crate) const PERIOD: Duration = Duration::from_millis(500);

/// The share of their time for which copies are busy at or above which the step grows.
const FULL: f64 = 0.8;
/// The share below which fewer copies would still be.
const EASY: f64 = 0.6;
/// The share of time spent ready but not run above which the step does not grow: the runtime has no time for it.
const CROWDED: f64 = 0.2;
/// Readings in a row that show full copies before the step grows: a second.
const GROW_AFTER: usize = 2;
/// Readings whose highest load decides how far the step shrinks: ten seconds.
const SHRINK_AFTER: usize = 20;

/// The activity of all copies of a step since the last reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) elapsed: Duration,
    /// The sum over all copies.
    pub(crate) times: StateTimes,
    /// The number of lanes that the step runs in.
    pub(crate) lanes: usize,
    /// The number of threads that run the copies; `None` if each has one of its own.
    pub(crate) threads: Option<usize>,
}

/// The last loads of a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scale {
    /// Readings in a row that showed full copies.
    full: usize,
    /// The load of the last readings, in copies that are busy all the time.
    loads: VecDeque<f64>,
}

impl Scale {
    /// Returns the number of copies in each lane that suits the load of `count` copies, within `range`.
    ///
    /// The step grows by half, and shrinks to the number that the highest load of the last ten seconds needs. The two
    /// bounds are so far apart that a constant load leads to one number, where it stays.
    pub(crate) fn decide(&mut self, count: usize, range: Copies, load: &Load) -> usize {
        let elapsed = load.elapsed.as_secs_f64();
        if elapsed <= 0.0 {
            return count;
        }
        let of = |time: Duration| time.as_secs_f64() / elapsed / as_float(load.lanes.max(1));
        let busy = of(load.times.working + load.times.waiting);
        if self.loads.len() == SHRINK_AFTER {
            self.loads.pop_front();
        }
        self.loads.push_back(busy);
        let copies = as_float(count.max(1));
        self.full = if busy >= FULL * copies { self.full + 1 } else { 0 };
        if self.full >= GROW_AFTER {
            self.full = 0;
            let room = if of(load.times.scheduled) > CROWDED * copies {
                0
            } else {
                room(count, of(load.times.working), load)
            };
            return (count + (count / 2).max(1).min(room)).clamp(range.least(), range.most());
        }
        if self.loads.len() < SHRINK_AFTER {
            return count;
        }
        let peak = self.loads.iter().copied().fold(0.0, f64::max);
        let mut fewer = count;
        while fewer > range.least() && peak < EASY * as_float(fewer - 1) {
            fewer -= 1;
        }
        fewer.clamp(range.least(), range.most())
    }
}

/// Returns how many more copies the threads can run: copies that compute all the time gain nothing beyond one each.
fn room(count: usize, working: f64, load: &Load) -> usize {
    let Some(threads) = load.threads else { return usize::MAX };
    let each = working / as_float(count.max(1)) * as_float(load.lanes.max(1));
    let mut room = 0;
    // A copy that waits most of the time leaves its thread to others; a thousand of them suffice for any step.
    while room < count && as_float(count + room + 1) * each <= as_float(threads) + EASY / 10.0 {
        room += 1;
    }
    room
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
