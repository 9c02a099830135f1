//! Decides whether and when a stage subscribes again after a subscription ended.

use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::base::error::{ExitReason, SubscribeError};
use crate::wire::subscription::{CancelKind, Cancellation};

/// The retry state of one renewed subscription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resubscribe {
    backoff: Backoff,
    /// The number of failed attempts in a row.
    failed: u32,
}

impl Resubscribe {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, failed: 0 }
    }

    /// Records that the subscription delivered events.
    pub(crate) fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// Returns the delay before the next attempt after this end, or `None` to give up.
    pub(crate) fn after(
        &mut self,
        cancellation: &Cancellation,
        refused: Option<&SubscribeError>,
        seed: u64,
    ) -> Option<Duration> {
        let passes = match (cancellation.kind, refused) {
            // The producer has nothing more.
            (CancelKind::Down, _) => !matches!(cancellation.reason, ExitReason::Normal),
            // The subscriber of the partition may leave; every other refusal would be repeated.
            (CancelKind::Cancelled, refused) => {
                matches!(refused, Some(SubscribeError::PartitionTaken { .. }))
            }
        };
        let delay = if passes { self.backoff.delay(self.failed, seed) } else { None };
        self.failed = self.failed.saturating_add(1);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_retried_until_the_attempts_are_exhausted_and_a_success_resets_the_count() {
        let second = Duration::from_secs(1);
        let mut resubscribe = Resubscribe::new(Backoff::new(second, second).attempts(2));
        let lost = Cancellation::down(ExitReason::Aborted);
        assert!(resubscribe.after(&lost, None, 0).is_some());
        assert!(resubscribe.after(&lost, None, 0).is_some());
        assert!(resubscribe.after(&lost, None, 0).is_none());
        resubscribe.succeeded();
        assert!(resubscribe.after(&lost, None, 0).is_some());
    }

    #[test]
    fn a_producer_that_finished_and_a_subscription_that_was_cancelled_are_not_returned_to() {
        let second = Duration::from_secs(1);
        let mut resubscribe = Resubscribe::new(Backoff::new(second, second));
        assert!(resubscribe.after(&Cancellation::down(ExitReason::Normal), None, 0).is_none());
        assert!(resubscribe.after(&Cancellation::cancelled(ExitReason::Aborted), None, 0).is_none());
        let taken = SubscribeError::PartitionTaken { partition: 0.into() };
        let refused = Cancellation::cancelled(ExitReason::Normal);
        assert!(resubscribe.after(&refused, Some(&taken), 0).is_some());
        assert!(resubscribe.after(&refused, Some(&SubscribeError::NoPartition), 0).is_none());
    }
}
