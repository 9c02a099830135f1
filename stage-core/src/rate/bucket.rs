//! A token bucket with a waiting line. Pure; time is an argument, counted from any fixed moment.
//!
//! Implements the continuous-state leaky bucket of the generic cell rate algorithm (ITU-T I.371, annex A),
//! expressed as a bucket of tokens, with two additions for timers that fire late:
//!
//! 1. Earned tokens are reserved for waiting steps immediately, one each in turn, so that no step is starved.
//!    Reserved tokens do not count against the burst, which limits only the tokens earned while no step
//!    waits.
//! 2. A step that comes later than its wake-up time may find more tokens than it waited for. Tokens that the
//!    delay earned beyond the burst are kept for as long as the delay took, so that a step can catch up with
//!    several small batches. After that they count as idle time, which the burst limits.
//!
//! In any period, the bucket admits at most the burst plus the rate's share of that period and of the timer's
//! delay. Tokens are counted in integer units earned per nanosecond, so that nothing is lost to rounding.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::rate::Rate;

/// Identifies one of the steps that share a budget.
pub(super) type Who = u64;

/// The tokens of one key.
#[derive(Debug)]
pub(super) struct Bucket {
    /// In the units of [`Rate::cost`].
    level: u128,
    at: Duration,
    /// Waiting steps; the first one gets the next token.
    waiting: VecDeque<Waiter>,
    late: LateAllowance,
}

#[derive(Debug)]
struct Waiter {
    who: Who,
    /// Tokens that it still lacks.
    lacks: usize,
    /// Tokens reserved for it.
    has: usize,
    /// The time of its next attempt.
    due: Duration,
}

/// The allowance earned by the delay of a timer, and its expiry.
#[derive(Clone, Copy, Debug, Default)]
struct LateAllowance {
    earned: u128,
    until: Duration,
}

/// Result of a request for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) tokens: usize,
    /// Delay until a retry is worthwhile, if fewer tokens were taken than requested.
    pub(super) wait: Option<Duration>,
}

impl Bucket {
    /// Creates a full bucket.
    #[inline]
    pub(super) fn new(rate: Rate, now: Duration) -> Self {
        Self { level: rate.full(), at: now, waiting: VecDeque::new(), late: LateAllowance::default() }
    }

    #[inline]
    fn refill(&mut self, rate: Rate, now: Duration) {
        let earned = rate.earned(now.saturating_sub(self.at));
        self.level = self.level.saturating_add(earned);
        self.at = self.at.max(now);
        self.set_aside(rate);
        self.note_delay(rate);
        self.level = self.level.min(rate.full().saturating_add(self.late.earned));
    }

    /// Reserves whole tokens for the waiting steps, as evenly as possible.
    #[inline]
    fn set_aside(&mut self, rate: Rate) {
        let cost = rate.cost();
        loop {
            let tokens = self.level / cost;
            let lacking = self.waiting.iter().filter(|waiter| waiter.lacks > 0).count() as u128;
            if tokens == 0 || lacking == 0 {
                return;
            }
            let each = usize::try_from(tokens / lacking).unwrap_or(usize::MAX);
            if each == 0 {
                return self.set_aside_one_each(tokens, cost);
            }
            for waiter in &mut self.waiting {
                let some = waiter.lacks.min(each);
                waiter.lacks -= some;
                waiter.has += some;
                self.level -= cost * some as u128;
            }
        }
    }

    /// Reserves one token for each of the first waiting steps, which then move behind all others.
    #[inline]
    fn set_aside_one_each(&mut self, tokens: u128, cost: u128) {
        for _ in 0..tokens {
            let next = self.waiting.iter().position(|waiter| waiter.lacks > 0);
            let Some(mut waiter) = next.and_then(|next| self.waiting.remove(next)) else { return };
            waiter.lacks -= 1;
            waiter.has += 1;
            self.level -= cost;
            self.waiting.push_back(waiter);
        }
    }

    /// Records how late the most overdue step is, and drops the allowance of an earlier delay once it has
    /// expired.
    #[inline]
    fn note_delay(&mut self, rate: Rate) {
        if self.late.until <= self.at {
            self.late = LateAllowance::default();
        }
        let due = self.waiting.iter().map(|waiter| waiter.due).min();
        let delay = due.map_or(Duration::ZERO, |due| self.at.saturating_sub(due));
        let earned = rate.earned(delay);
        if earned > self.late.earned {
            self.late = LateAllowance { earned, until: self.at.saturating_add(delay) };
        }
    }

    /// Takes up to `want` tokens, except those reserved for other steps. If they do not suffice, `who` waits
    /// for the rest, in its present place or at the end of the line.
    #[inline]
    pub(super) fn take(&mut self, rate: Rate, now: Duration, who: Who, want: usize) -> Taken {
        self.refill(rate, now);
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let mut tokens = 0;
        if let Some(waiter) = place.and_then(|place| self.waiting.get_mut(place)) {
            let has = std::mem::take(&mut waiter.has);
            tokens = has.min(want);
            // Tokens that it no longer wants become available to others.
            waiter.lacks = waiter.lacks.min(want - tokens);
            self.level += rate.cost() * (has - tokens) as u128;
            self.set_aside(rate);
        }
        // No token is free while any step lacks one.
        let free = usize::try_from(self.level / rate.cost()).unwrap_or(usize::MAX).min(want - tokens);
        self.level -= rate.cost() * free as u128;
        tokens += free;
        let lacks = want - tokens;
        if lacks == 0 {
            self.leave(rate, who);
            return Taken { tokens, wait: None };
        }
        Taken { tokens, wait: Some(self.queue(rate, who, lacks)) }
    }

    /// Makes `who` wait for `lacks` tokens; returns the time until the first of them.
    #[inline]
    fn queue(&mut self, rate: Rate, who: Who, lacks: usize) -> Duration {
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let keeps_place = place.filter(|place| self.waiting[*place].lacks > 0);
        let place = keeps_place.unwrap_or_else(|| {
            self.waiting.retain(|waiter| waiter.who != who);
            self.waiting.push_back(Waiter { who, lacks, has: 0, due: self.at });
            self.waiting.len() - 1
        });
        let ahead = self.waiting.iter().take(place).filter(|waiter| waiter.lacks > 0).count() as u128;
        let wait = rate.time_for((rate.cost() * (ahead + 1)).saturating_sub(self.level));
        let waiter = &mut self.waiting[place];
        (waiter.lacks, waiter.due) = (lacks, self.at.saturating_add(wait));
        wait
    }

    /// Returns unused tokens to the bucket.
    #[inline]
    pub(super) fn give_back(&mut self, rate: Rate, tokens: usize) {
        self.level = self.level.saturating_add(rate.cost() * tokens as u128);
    }

    /// Removes `who` from the line; returns whether it was waiting.
    #[inline]
    pub(super) fn leave(&mut self, rate: Rate, who: Who) -> bool {
        let place = self.waiting.iter().position(|waiter| waiter.who == who);
        let left = place.and_then(|place| self.waiting.remove(place));
        self.give_back(rate, left.as_ref().map_or(0, |waiter| waiter.has));
        left.is_some()
    }

    /// Changes from one rate to another; whole and partial tokens are kept, up to the new burst.
    #[inline]
    pub(super) fn change(&mut self, old: Rate, new: Rate, now: Duration) {
        self.refill(old, now);
        self.late = LateAllowance::default();
        for waiter in &mut self.waiting {
            let has = std::mem::take(&mut waiter.has);
            waiter.lacks += has;
            self.level = self.level.saturating_add(old.cost() * has as u128);
        }
        let (whole, part) = (self.level / old.cost(), self.level % old.cost());
        let level = whole.saturating_mul(new.cost()) + part * new.cost() / old.cost();
        self.level = new.full().min(level);
    }

    /// Returns whether the bucket is equivalent to a new one.
    #[inline]
    pub(super) fn is_idle(&mut self, rate: Rate, now: Duration) -> bool {
        self.refill(rate, now);
        self.waiting.is_empty() && self.level == rate.full()
    }
}

#[cfg(test)]
mod tests;
