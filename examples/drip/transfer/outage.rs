//! Outages: a resource that all transfers need (the storage, free file descriptors) is unavailable, and no
//! transfer is at fault.
//!
//! Transfers that meet an outage return to the queue without using up an attempt. Then a single transfer at a
//! time probes the resource, at growing intervals, until one succeeds or the outage has lasted too long.

use std::time::Duration;

use tokio::time::Instant;

/// The delay before the first probe; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// The longest delay between two probes.
const LONGEST: Duration = Duration::from_secs(30);

/// An outage of this length ends the run.
pub const PATIENCE: Duration = Duration::from_mins(10);

/// Whether there is an outage, and the time of the next probe.
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

/// Whether transfers may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// As many as there is demand for.
    Open,
    /// A single one, as a probe.
    One,
    /// None before this time.
    Closed(Instant),
}

impl Outage {
    /// Records that a transfer met the outage. Returns whether to report it: after the first probe has
    /// failed.
    pub(super) fn met(&mut self, now: Instant) -> bool {
        let begins = Since { begun: now, tries: 0, next: now + FIRST };
        let since = self.since.get_or_insert(begins);
        // Transfers started before the outage was known add no information.
        if now < since.next {
            return false;
        }
        since.tries = since.tries.saturating_add(1);
        since.next = now + FIRST.saturating_mul(2_u32.saturating_pow(since.tries)).min(LONGEST);
        since.tries == 1
    }

    /// Records that a transfer succeeded. Returns whether to report it: if the outage was reported.
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

    /// Whether the outage has lasted too long.
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
            assert_eq!(outage.met(now), tried == 0, "reported once");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_transfer_that_gets_through_ends_the_outage() {
        let now = Instant::now();
        let mut outage = Outage::default();
        assert!(!outage.got_through(), "there was none");
        outage.met(now);
        assert!(!outage.got_through(), "not reported either");
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
