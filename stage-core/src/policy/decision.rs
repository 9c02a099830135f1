//! Decides on the handling of a failed event: pure, without a clock.

use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::hopeless::Prospect;

/// The action for an event that is not retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Then {
    /// The stage fails after the rest of its batch.
    #[default]
    Restart,
    /// The stage continues.
    Skip,
    /// The event becomes a dead letter.
    DeadLetter,
    /// The pipeline ends.
    Stop,
}

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Retry the event after a delay.
    Again(Duration),
    /// Do not retry it.
    Last(Then),
}

/// The facts about a failed event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Number of attempts so far, at least one.
    pub(super) attempts: u32,
    /// Whether another attempt may succeed, by the word of the handler.
    pub(super) prospect: Prospect,
    /// Whether failures of this kind are retried.
    pub(super) eligible: bool,
    /// Whether the event is still available.
    pub(super) kept: bool,
    /// Seed of the jitter.
    pub(super) seed: u64,
}

/// Makes the decision. An event that is no longer available can be neither retried nor sent elsewhere.
#[inline]
pub(super) fn decide(retry: Option<&Backoff>, then: Then, facts: Facts) -> Decision {
    let may_succeed = facts.prospect == Prospect::MaySucceed;
    let again = retry.filter(|_| may_succeed && facts.eligible && facts.kept);
    match again.and_then(|backoff| backoff.delay(facts.attempts - 1, facts.seed)) {
        Some(delay) => Decision::Again(delay),
        None if then == Then::DeadLetter && !facts.kept => Decision::Last(Then::Skip),
        None => Decision::Last(then),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Facts =
        Facts { attempts: 1, prospect: Prospect::MaySucceed, eligible: true, kept: true, seed: 0 };

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(9)).attempts(2)
    }

    #[test]
    fn without_a_retry_the_first_failure_is_the_last() {
        for then in [Then::Restart, Then::Skip, Then::DeadLetter, Then::Stop] {
            assert_eq!(decide(None, then, FAILED), Decision::Last(then));
        }
    }

    #[test]
    fn an_event_is_retried_as_often_as_the_backoff_allows_with_growing_delays() {
        let at = |attempts| decide(Some(&backoff()), Then::Skip, Facts { attempts, ..FAILED });
        let Decision::Again(first) = at(1) else { panic!("{:?}", at(1)) };
        assert!(first >= Duration::from_millis(500) && first <= Duration::from_secs(1), "{first:?}");
        let Decision::Again(second) = at(2) else { panic!("{:?}", at(2)) };
        assert!(second >= Duration::from_secs(1) && second <= Duration::from_secs(2), "{second:?}");
        assert_eq!(at(3), Decision::Last(Then::Skip));
    }

    #[test]
    fn only_the_given_errors_are_retried() {
        let facts = Facts { eligible: false, ..FAILED };
        assert_eq!(decide(Some(&backoff()), Then::DeadLetter, facts), Decision::Last(Then::DeadLetter));
    }

    #[test]
    fn a_hopeless_event_is_never_retried_and_ends_as_the_policy_says() {
        let facts = Facts { prospect: Prospect::Hopeless, ..FAILED };
        for then in [Then::Restart, Then::Skip, Then::DeadLetter, Then::Stop] {
            assert_eq!(decide(Some(&backoff()), then, facts), Decision::Last(then));
        }
        let lost = Facts { kept: false, ..facts };
        assert_eq!(decide(Some(&backoff()), Then::DeadLetter, lost), Decision::Last(Then::Skip));
    }

    #[test]
    fn a_lost_event_can_be_neither_retried_nor_sent_elsewhere() {
        let facts = Facts { kept: false, ..FAILED };
        assert_eq!(decide(Some(&backoff()), Then::Stop, facts), Decision::Last(Then::Stop));
        assert_eq!(decide(Some(&backoff()), Then::DeadLetter, facts), Decision::Last(Then::Skip));
    }
}
