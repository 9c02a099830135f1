//! The numbers of a failure policy that a configuration can set.

use std::time::Duration;

use super::failure_policy::FailurePolicy;
use crate::base::backoff::Backoff;
use crate::base::preset::Preset;

/// The numbers of one declared step, which replace those of its policy when a copy is built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) retries: Preset<u32>,
    pub(crate) first: Preset<Duration>,
    pub(crate) most: Preset<Duration>,
    pub(crate) deadline: Preset<Duration>,
}

impl Numbers {
    #[inline]
    fn retry(&self, declared: Backoff) -> Backoff {
        let (first, most, attempts) = declared.parts();
        let backoff = Backoff::new(self.first.get().unwrap_or(first), self.most.get().unwrap_or(most));
        match self.retries.get().or(attempts) {
            None | Some(u32::MAX) => backoff,
            Some(attempts) => backoff.attempts(attempts),
        }
    }
}

impl<E> FailurePolicy<E> {
    /// Gives the policy numbers of its own, which a configuration of the step can set.
    pub(crate) fn with_numbers(mut self) -> (Self, Numbers) {
        let numbers = Numbers::default();
        self.numbers = Some(numbers.clone());
        (self, numbers)
    }

    /// Returns the declared back-off and the declared deadline.
    pub(crate) const fn declared(&self) -> (Option<Backoff>, Option<Duration>) {
        (self.retry, self.deadline)
    }

    /// Returns the policy with the numbers that a configuration has set.
    pub(super) fn configured(mut self) -> Self {
        if let Some(numbers) = &self.numbers {
            self.retry = self.retry.map(|declared| numbers.retry(declared));
            self.deadline = self.deadline.map(|declared| numbers.deadline.get().unwrap_or(declared));
        }
        self
    }
}
