//! Delays failed transfers before their next attempt, on a monotonic clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

use crate::repository::TransferId;

/// The delay after the first attempt; each further one is four times as long.
const FIRST: Duration = Duration::from_millis(100);

/// The longest delay.
const LONGEST: Duration = Duration::from_secs(30);

/// A heap of delayed transfers, the first one due on top. They stay leased, so a killed run loses none.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    waiting: BinaryHeap<Reverse<(Instant, TransferId)>>,
}

impl Delayed {
    /// Delays a transfer after its attempt number `attempt`, counted from 1.
    pub(super) fn add(&mut self, transfer: TransferId, attempt: u32, now: Instant) {
        self.waiting.push(Reverse((now + wait(attempt), transfer)));
    }

    /// Removes and returns the transfers that are due.
    pub(super) fn due(&mut self, now: Instant) -> Vec<TransferId> {
        let mut due = Vec::new();
        while let Some(Reverse((time, transfer))) = self.waiting.peek()
            && *time <= now
        {
            due.push(*transfer);
            self.waiting.pop();
        }
        due
    }

    /// Removes and returns all transfers.
    pub(super) fn all(&mut self) -> Vec<TransferId> {
        self.waiting.drain().map(|Reverse((_, transfer))| transfer).collect()
    }

    /// The time at which the first transfer is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((time, _))| *time)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

fn wait(attempt: u32) -> Duration {
    FIRST.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_with_each_attempt_up_to_a_bound() {
        let waits: Vec<_> = [1, 2, 3, 4].map(|attempt| wait(attempt).as_millis()).into();
        assert_eq!(waits, [100, 400, 1_600, 6_400]);
        assert_eq!((wait(9), wait(u32::MAX)), (LONGEST, LONGEST));
    }

    #[test]
    fn transfers_are_due_in_the_order_of_their_times_and_not_before() {
        let now = Instant::now();
        let [first, second] = [TransferId::new(), TransferId::new()];
        let mut delayed = Delayed::default();
        delayed.add(second, 2, now);
        delayed.add(first, 1, now);
        assert_eq!(delayed.next(), Some(now + FIRST));
        assert!(delayed.due(now + FIRST / 2).is_empty());
        assert_eq!(delayed.due(now + FIRST), [first]);
        assert_eq!(delayed.due(now + LONGEST), [second]);
        assert_eq!((delayed.len(), delayed.next()), (0, None));
    }
}
