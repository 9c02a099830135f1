//! Tunes the window of a subscription to about a millisecond of work.
//!
//! A plain value: it counts the events of each batch, and is given the time once a window's worth of them was
//! handled, as a TCP window is adjusted once a round trip.
//!
//! ```text
//!   per_batch = fixed + slope × events        from two sizes of batches
//!   cost      = (per_batch − fixed) / events
//!   want      = the largest power of two ≤ TARGET / cost, from 2 to the bound
//! ```
//!
//! The time of a batch is that from one to the next: it contains the handling, the waiting for input, and the
//! waiting for demand. The window is thus throughput × target time, and a stage with little to do asks for
//! little.
//!
//! A batch with a large fixed part (a commit, a round trip to the producer) is cheaper per event the larger it
//! is: such a window only grows. Without this, a fixed part longer than the target would shrink the window,
//! which raises the cost per event, and so on down to a window of two.

use std::cmp::Ordering;

use super::demand::Window;

/// The exponent of the first window: 16 events.
const START: u32 = 4;
/// The work that a window holds, in nanoseconds.
const TARGET: f32 = 1e6;
/// The exponents of the largest growth at once: eightfold, or fourfold if batches have a large fixed part.
const GROWTH: u32 = 3;
const BULK_GROWTH: u32 = 2;
/// A batch takes at least this long, in nanoseconds, for its fixed part to count.
const BULK: f32 = 10_000.0;
/// Sizes of batches are compared if they differ by this factor.
const DIFFERENT: f32 = 1.5;
/// A window is kept while more than this share of it is used, although the next smaller one would hold the work.
const KEPT: f32 = 0.75;

/// A size of batches, and the nanoseconds from one to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sample {
    events: f32,
    time: f32,
}

impl Sample {
    /// Returns whether the sizes are about the same.
    fn is_as_large_as(self, other: Self) -> bool {
        self.events < DIFFERENT * other.events && other.events < DIFFERENT * self.events
    }
}

/// The counts since the last reading that covered a whole window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Period {
    events: usize,
    batches: usize,
    /// Whether a batch was as large as the window allows.
    full: bool,
    since: u64,
    held_up: u64,
}

/// The time at which a batch was handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// In nanoseconds since an arbitrary origin.
    pub(crate) now: u64,
    /// The nanoseconds until now for which the stage waited for demand.
    pub(crate) held_up: u64,
}

/// Chooses the window of one subscription.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tuner {
    /// The exponent of the window, and of its bound.
    size: u32,
    bound: u32,
    /// The number of events of this period after which the time is due.
    due: usize,
    period: Period,
    /// Batches of late, and those before them of another size.
    now: Sample,
    before: Sample,
    /// The last two estimates of the fixed part of a batch.
    fixed: [f32; 2],
}

impl Tuner {
    /// The bound of a window unless another is given: larger ones gain nothing (docs/design/adaptive.md).
    pub(crate) const BOUND: usize = 1024;

    /// Creates a tuner of windows with at most `bound` events, at least 1.
    pub(crate) const fn new(bound: usize) -> Self {
        let bound = if bound == 0 { 0 } else { bound.ilog2() };
        let size = if bound < START { bound } else { START };
        let period = Period { events: 0, batches: 0, full: false, since: 0, held_up: 0 };
        let sample = Sample { events: 0.0, time: 0.0 };
        Self { size, bound, due: 0, period, now: sample, before: sample, fixed: [0.0; 2] }
    }

    /// Returns the current window.
    pub(crate) const fn window(&self) -> Window {
        Window::halved(self.max())
    }

    /// Returns the largest window that it chooses.
    pub(crate) const fn largest(&self) -> Window {
        Window::halved(1 << self.bound)
    }

    const fn max(&self) -> usize {
        1 << self.size
    }

    /// Begins to measure, for a subscription made at `reading`; the window stays.
    pub(crate) fn begin(self, reading: Reading) -> Self {
        let mut begun = Self { size: self.size, ..Self::new(1 << self.bound) };
        // The first batch may show that the window is far too large.
        begun.renew(reading, begun.window().chunk());
        begun
    }

    /// Returns a tuner that keeps its window, for a subscription whose time cannot be measured.
    pub(crate) const fn idle(self) -> Self {
        Self { due: usize::MAX, ..self }
    }

    /// Counts a batch of `events`, which was handled; returns whether the time is due.
    #[inline]
    pub(crate) fn handled(&mut self, events: usize) -> bool {
        self.handled_in(events, 1)
    }

    /// Counts `events`, which were handled in `batches` batches; returns whether the time is due.
    #[inline]
    pub(crate) fn handled_in(&mut self, events: usize, batches: usize) -> bool {
        let chunk = self.window().chunk();
        let Period { events: all, batches: number, full, .. } = &mut self.period;
        *all += events;
        *number += batches;
        *full |= events >= batches * chunk;
        *all >= self.due && *number > 0
    }

    /// Adjusts the window to what the batches up to `reading` took; returns it if it changed.
    pub(crate) fn tune(&mut self, reading: Reading) -> Option<Window> {
        let (whole, next) = self.next_size(reading);
        let changed = next != self.size;
        self.size = next;
        if whole || changed {
            self.renew(reading, self.max());
        } else {
            self.due = self.max();
        }
        changed.then(|| self.window())
    }

    fn renew(&mut self, Reading { now, held_up }: Reading, due: usize) {
        self.period = Period { since: now, held_up, ..Period::default() };
        self.due = due.max(1);
    }

    /// Returns whether a whole window's worth was handled, and the exponent of the next window.
    #[allow(clippy::cast_precision_loss, reason = "an estimate needs no more than 24 bits")]
    fn next_size(&mut self, reading: Reading) -> (bool, u32) {
        let Period { events, batches, full, since, held_up } = self.period;
        let whole = events >= self.max();
        if events == 0 || batches == 0 {
            return (whole, self.size);
        }
        let time = reading.now.saturating_sub(since);
        let was_held_up = reading.held_up.saturating_sub(held_up) > time / 2;
        let each = batches as f32;
        let cost = self.learn(Sample { events: events as f32 / each, time: time as f32 / each });
        let may_grow = whole && full && !was_held_up && self.size < self.bound;
        (whole, self.choose(TARGET / cost, may_grow))
    }

    /// Returns the exponent of the window for `fits` events.
    #[allow(clippy::cast_precision_loss, reason = "an estimate needs no more than 24 bits")]
    fn choose(&self, fits: f32, may_grow: bool) -> u32 {
        let (size, want) = (self.size, fits_in(fits, self.bound));
        if self.is_bulk() {
            let larger = want.clamp(size + 1, size + BULK_GROWTH).min(self.bound);
            return if may_grow { larger } else { size };
        }
        let is_kept = want + 1 == size && fits > KEPT * self.max() as f32;
        // Batches of one size do not tell whether their time depends on the events.
        let is_known = self.before.events > 0.0;
        match want.cmp(&size) {
            Ordering::Less if !is_kept => want,
            Ordering::Greater if may_grow => want.min(size + GROWTH),
            Ordering::Less | Ordering::Equal if may_grow && !is_known && fits >= 2.0 => size + 1,
            _ => size,
        }
    }

    /// Takes a sample into account; returns the cost of an event in nanoseconds, without the fixed part of its
    /// batch.
    fn learn(&mut self, sample: Sample) -> f32 {
        let now = self.now;
        if now.events > 0.0 && !sample.is_as_large_as(now) {
            self.before = now;
            self.now = sample;
        } else if now.events > 0.0 && sample.time > now.time {
            // A rise may be due to a neighbour on the same processor; a fall cannot be.
            let mean = |one: f32, other: f32| f32::midpoint(one, other);
            self.now = Sample { events: mean(now.events, sample.events), time: mean(now.time, sample.time) };
        } else {
            self.now = sample;
        }
        let (now, before) = (self.now, self.before);
        if before.events > 0.0 && !now.is_as_large_as(before) {
            let slope = ((now.time - before.time) / (now.events - before.events)).max(0.0);
            self.fixed = [(now.time - slope * now.events).max(0.0), self.fixed[0]];
        }
        let mean = now.time / now.events;
        ((now.time - self.fixed()) / now.events).max(mean / 64.0).max(0.01)
    }

    /// Returns the part of a batch's time that does not depend on its events.
    fn fixed(&self) -> f32 {
        self.fixed[0].min(self.fixed[1]).min(self.now.time)
    }

    /// Returns whether larger batches are cheaper.
    fn is_bulk(&self) -> bool {
        self.now.time > BULK && self.fixed() > self.now.time / 2.0
    }
}

/// Returns the exponent of the largest power of two of at most `events`: from 1, or `bound` if that is less, to
/// `bound`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion to an integer saturates, and the costs are positive"
)]
fn fits_in(events: f32, bound: u32) -> u32 {
    (events as usize).max(1).ilog2().clamp(bound.min(1), bound)
}

#[cfg(test)]
mod tests;
