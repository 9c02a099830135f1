//! An outage: what all transfers need (the storage, free file descriptors) is not there, and no transfer is to blame.
//!
//! Transfers that meet an outage return to the queue and keep their attempts. Then one at a time is tried, after waits that
//! grow, until one gets through or the outage has lasted too long.

use std::time::Duration;

use tokio::time::Instant;

/// The wait before the first try; each further one takes twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(30);

/// An outage that lasts as long as this ends the run.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// Whether there is an outage, and when to try again.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Since>,
}

#[derive(Debug)]
struct Since {
    begun: Instant,
    tries: u32,
    next: Instant,
}

/// Whether transfers may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As many as there is demand for.
    Open,
    /// One, to see whether the outage is over.
    One,
    /// None before this time.
    Closed(Instant),
}

impl Outage {
    /// A transfer met the outage. Says whether that is news: it is once the first try was in vain.
    pub(super) fn met(&mut self, now: Instant) -> bool {
        let begins = Since { begun: now, tries: 0, next: now + FIRST };
        let since = self.since.get_or_insert(begins);
        // Those that were begun before the outage was known say nothing new.
        if now < since.next {
            return false;
        }
        since.tries = since.tries.saturating_add(1);
        since.next = now + FIRST.saturating_mul(2_u32.saturating_pow(since.tries)).min(LONGEST);
        since.tries == 1
    }

    /// A transfer got through. Says whether that is news: it is if the outage was.
    pub(super) fn got_through(&mut self) -> bool {
        self.since.take().is_some_and(|since| since.tries > 0)
    }

    pub(super) fn gate(&self, now: Instant) -> Gate {
        match &self.since {
            None => Gate::Open,
            Some(since) if since.next <= now => Gate::One,
            Some(since) => Gate::Closed(since.next),
        }
    }

    /// Whether it has lasted too long.
    pub(super) fn is_too_long(&self, now: Instant) -> bool {
        self.since.as_ref().is_some_and(|since| now.duration_since(since.begun) >= PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_closes_the_gate_for_waits_that_grow_up_to_a_bound() {
        let mut now = Instant::now();
        let mut outage = Outage::default();
        assert_eq!(outage.gate(now), Gate::Open);
        assert!(!outage.met(now), "it may be over in a moment");
        let mut waits = Vec::new();
        for tried in 0..7 {
            let Gate::Closed(next) = outage.gate(now) else { panic!("closed") };
            assert!(!outage.met(now), "one that was begun before");
            assert_eq!(outage.gate(now), Gate::Closed(next), "it changes nothing");
            waits.push((next - now).as_secs());
            now = next;
            assert_eq!(outage.gate(now), Gate::One);
            assert_eq!(outage.met(now), tried == 0, "it is told once");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_transfer_that_gets_through_ends_the_outage() {
        let now = Instant::now();
        let mut outage = Outage::default();
        assert!(!outage.got_through(), "there was none");
        outage.met(now);
        assert!(!outage.got_through(), "it was not told either");
        assert_eq!(outage.gate(now), Gate::Open);
        outage.met(now);
        outage.met(now + FIRST);
        assert!(outage.got_through());
        assert_eq!(outage.gate(now), Gate::Open);
    }

    #[test]
    fn an_outage_is_too_long_after_ten_minutes_without_success() {
        let now = Instant::now();
        let mut outage = Outage::default();
        outage.met(now);
        outage.met(now + PATIENCE / 2);
        assert!(!outage.is_too_long(now + PATIENCE - FIRST));
        assert!(outage.is_too_long(now + PATIENCE));
        outage.got_through();
        assert!(!outage.is_too_long(now + PATIENCE));
    }
}
