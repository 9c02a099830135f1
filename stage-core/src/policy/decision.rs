//! What is done about an event that failed: a pure decision, without a clock.

use std::time::Duration;

use crate::base::backoff::Backoff;

/// What is done when an event is not tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Then {
    /// The stage fails, behind the rest of its batch.
    #[default]
    Restart,
    /// The stage goes on.
    Skip,
    /// The event goes elsewhere.
    DeadLetter,
    /// The pipeline ends.
    Stop,
}

/// What is done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The event is handled again, after a wait.
    Again(Duration),
    /// It is not.
    Last(Then),
}

/// An event that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// How often it was tried, at least once.
    pub(super) attempts: u32,
    /// Whether failures like this one are to be tried again.
    pub(super) eligible: bool,
    /// Whether the event is still there.
    pub(super) kept: bool,
    /// Stands for chance.
    pub(super) seed: u64,
}

/// Decides. An event that is not there any more can be neither tried again nor sent elsewhere.
pub(super) fn decide(retry: Option<&Backoff>, then: Then, facts: Facts) -> Decision {
    let again = retry.filter(|_| facts.eligible && facts.kept);
    match again.and_then(|backoff| backoff.delay(facts.attempts - 1, facts.seed)) {
        Some(delay) => Decision::Again(delay),
        None if then == Then::DeadLetter && !facts.kept => Decision::Last(Then::Skip),
        None => Decision::Last(then),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Facts = Facts { attempts: 1, eligible: true, kept: true, seed: 0 };

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
    fn an_event_is_tried_again_as_often_as_the_backoff_says_with_growing_waits() {
        let at = |attempts| decide(Some(&backoff()), Then::Skip, Facts { attempts, ..FAILED });
        let Decision::Again(first) = at(1) else { panic!("{:?}", at(1)) };
        assert!(first >= Duration::from_millis(500) && first <= Duration::from_secs(1), "{first:?}");
        let Decision::Again(second) = at(2) else { panic!("{:?}", at(2)) };
        assert!(second >= Duration::from_secs(1) && second <= Duration::from_secs(2), "{second:?}");
        assert_eq!(at(3), Decision::Last(Then::Skip));
    }

    #[test]
    fn only_the_errors_that_were_named_are_tried_again() {
        let facts = Facts { eligible: false, ..FAILED };
        assert_eq!(decide(Some(&backoff()), Then::DeadLetter, facts), Decision::Last(Then::DeadLetter));
    }

    #[test]
    fn an_event_that_is_gone_can_neither_be_tried_again_nor_sent_elsewhere() {
        let facts = Facts { kept: false, ..FAILED };
        assert_eq!(decide(Some(&backoff()), Then::Stop, facts), Decision::Last(Then::Stop));
        assert_eq!(decide(Some(&backoff()), Then::DeadLetter, facts), Decision::Last(Then::Skip));
    }
}
