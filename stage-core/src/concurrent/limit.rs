//! How many events a step has in progress, so that the target that it calls is busy and its queue is short: pure.
//!
//! Events in progress beyond the capacity of a target wait in its queue, so their calls take longer by the same
//! factor. The rule estimates the queue from that, as TCP Vegas does (Brakmo and Peterson, "TCP Vegas: End to End
//! Congestion Avoidance on a Global Internet", IEEE JSAC 13(8), 1995), with the gradient and the headroom of the
//! `GradientLimit` of Netflix's concurrency-limits. An overload halves the limit, as in TCP.
//!
//! ```text
//! gradient = time of a call without a queue / mean time of a call         queue = limit * (1 - gradient)
//! queue < 1, and events were held back:   limit * 2 at first, later limit + limit / 4
//! queue >= 1:                             limit * gradient + headroom,    headroom = sqrt(limit) / 2, at least 1
//! overloaded:                             limit / 2
//! ```
//!
//! 1. The limit is within its bounds.
//! 2. It changes once per round: after calls that began under it have ended, about as many as it allows.
//! 3. An overload counts only if its call began after the last halving.
//! 4. It grows only if events were held back by it.
//! 5. The mean must exceed the time without a queue by twice its standard error, so scatter is not a queue.
//! 6. A probe of one round at half the limit, at which the queue is empty, renews the time without a queue: soon after
//!    the limit fell by a quarter, otherwise after 4, 8, … 64 rounds.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The number of calls of a round, unless the limit is higher.
const SAMPLES: usize = 8;

/// The number of rounds before the first probe, and the most between two.
const SOON: u32 = 4;
const LATE: u32 = 64;

/// The limit, with the measurements of the target.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    least: usize,
    most: usize,
    /// The limit, between the bounds; growth can be by less than one.
    current: f64,
    /// The seconds that a call takes without a queue; `None` before the first round.
    unloaded: Option<f64>,
    /// Whether no queue was seen yet.
    is_new: bool,
    /// The limit at the last overload.
    overloaded_at: f64,
    /// The limit before the probe that is being made.
    probed: Option<f64>,
    rounds_to_probe: u32,
    probe_after: u32,
    round: Round,
    /// The first round after the last halving.
    halved: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Round {
    number: u64,
    calls: usize,
    sum: f64,
    squares: f64,
    /// Whether events were held back.
    held_back: bool,
}

/// A call in progress: the round in which it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call(u64);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The target answered after this time.
    After(Duration),
    /// The target is overloaded: it said so, or did not answer before the deadline.
    Overloaded,
    /// The call failed for a reason that says nothing about the load.
    Failed,
}

impl Limit {
    /// Creates a limit that begins at the lower bound. Bounds of zero count as one.
    #[inline]
    pub(super) fn new(bounds: &RangeInclusive<usize>) -> Self {
        let mut limit = Self {
            least: 1,
            most: 1,
            current: 1.0,
            unloaded: None,
            is_new: true,
            overloaded_at: f64::INFINITY,
            probed: None,
            rounds_to_probe: SOON,
            probe_after: SOON,
            round: Round::default(),
            halved: 0,
        };
        limit.set_bounds(bounds);
        limit
    }

    /// Changes the bounds; the limit moves into them.
    #[inline]
    pub(super) fn set_bounds(&mut self, bounds: &RangeInclusive<usize>) {
        self.least = (*bounds.start()).max(1);
        self.most = (*bounds.end()).max(self.least);
        let probed = self.probed.take();
        self.set(probed.unwrap_or(self.current));
    }

    pub(super) const fn bounds(&self) -> RangeInclusive<usize> {
        self.least..=self.most
    }

    /// Returns whether the limit never changes; then no call needs to be reported.
    pub(super) const fn is_fixed(&self) -> bool {
        self.least == self.most
    }

    /// Returns the number of events that may be in progress now.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds")]
    #[inline]
    pub(super) fn now(&self) -> usize {
        (self.current as usize).clamp(self.least, self.most)
    }

    pub(super) const fn begin(&self) -> Call {
        Call(self.round.number)
    }

    /// Notes that an event waits because of the limit.
    pub(super) const fn hold_back(&mut self) {
        self.round.held_back = true;
    }

    /// Takes the end of a call.
    #[inline]
    pub(super) fn end(&mut self, call: Call, answer: Answer) {
        match answer {
            Answer::Overloaded => {
                if call.0 >= self.halved {
                    self.halve();
                }
            }
            Answer::After(time) if call.0 == self.round.number => {
                let seconds = time.as_secs_f64();
                self.round.calls += 1;
                self.round.sum += seconds;
                self.round.squares += seconds * seconds;
                let enough = if self.is_new { self.now() } else { self.now().max(SAMPLES) };
                if self.round.calls >= enough {
                    self.end_round();
                }
            }
            Answer::After(_) | Answer::Failed => {}
        }
    }

    #[inline]
    fn halve(&mut self) {
        let limit = self.probed.take().unwrap_or(self.current);
        self.overloaded_at = limit;
        self.is_new = false;
        self.set(limit / 2.0);
        self.next_round();
        self.halved = self.round.number;
    }

    #[inline]
    fn end_round(&mut self) {
        let Round { held_back, .. } = self.round;
        let (mean, error) = self.round.mean();
        self.next_round();
        if let Some(before) = self.probed.take() {
            self.end_probe(mean, before);
            return;
        }
        let unloaded = match self.unloaded {
            Some(unloaded) if unloaded <= mean => unloaded,
            // One quick round may be chance.
            Some(unloaded) => unloaded.midpoint(mean),
            None => mean,
        };
        self.unloaded = Some(unloaded);
        let surely = (mean - 2.0 * error).max(unloaded);
        let gradient = if surely > 0.0 { (unloaded / surely).max(0.5) } else { 1.0 };
        let limit = as_f64(self.now());
        let headroom = (limit.sqrt() / 2.0).max(1.0);
        if limit * (1.0 - gradient) >= 1.0 {
            self.is_new = false;
            self.shrink(limit * gradient + headroom, held_back);
        } else if held_back {
            let step = match self.overloaded_at {
                _ if self.is_new => limit,
                at if limit < at && limit >= 0.75 * at => headroom,
                _ => (limit / 4.0).max(1.0),
            };
            self.set(self.current + step);
            if self.current > self.overloaded_at {
                self.overloaded_at = f64::INFINITY;
            }
        }
        self.maybe_probe();
    }

    /// Moves to `next`, which is mostly smaller.
    #[inline]
    fn shrink(&mut self, next: f64, held_back: bool) {
        if next < 0.75 * self.current {
            // The queue may be long, or calls take longer than they did.
            self.rounds_to_probe = self.rounds_to_probe.min(SOON);
            self.probe_after = SOON;
        }
        self.set(if held_back { next } else { next.min(self.current) });
    }

    #[inline]
    fn maybe_probe(&mut self) {
        if self.is_new {
            return;
        }
        self.rounds_to_probe = self.rounds_to_probe.saturating_sub(1);
        if self.rounds_to_probe == 0 && self.now() > self.least {
            self.probed = Some(self.current);
            self.set(self.current / 2.0);
        }
    }

    #[inline]
    fn end_probe(&mut self, mean: f64, before: f64) {
        let was_loaded = self.unloaded.is_some_and(|unloaded| mean < 0.8 * unloaded);
        self.unloaded = Some(mean);
        self.probe_after = if was_loaded { SOON } else { (self.probe_after * 2).min(LATE) };
        self.rounds_to_probe = self.probe_after;
        self.set(before);
    }

    fn next_round(&mut self) {
        self.round = Round { number: self.round.number + 1, ..Round::default() };
    }

    #[inline]
    fn set(&mut self, limit: f64) {
        self.current = limit.clamp(as_f64(self.least), as_f64(self.most));
    }
}

impl Round {
    /// Returns the mean time of a call, and its standard error.
    #[inline]
    fn mean(&self) -> (f64, f64) {
        let calls = as_f64(self.calls.max(1));
        let mean = self.sum / calls;
        let variance = (self.squares / calls - mean * mean).max(0.0);
        (mean, (variance / calls).sqrt())
    }
}

#[allow(clippy::cast_precision_loss, reason = "a limit beyond 2^52 has no meaning")]
const fn as_f64(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
