//! The delays between attempts to reach a server.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use stage_core::Backoff;
use tokio::time::timeout;

use crate::error::ConnectError;

/// Failures in a row, and the delay that follows from them.
#[derive(Debug)]
pub struct Outage {
    backoff: Backoff,
    failures: u32,
    seed: u64,
}

impl Outage {
    /// Creates the delays of a server that has not failed.
    pub fn new(backoff: Backoff) -> Self {
        Self::seeded(backoff, random())
    }

    /// Creates the delays for a seed.
    pub fn seeded(backoff: Backoff, seed: u64) -> Self {
        Self { backoff: without_limit(backoff), failures: 0, seed }
    }

    /// Counts a failure.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Ends the outage.
    pub fn ended(&mut self) {
        self.failures = 0;
    }

    /// Returns the delay before the next attempt; `None` if the last one did not fail.
    pub fn delay(&self) -> Option<Duration> {
        self.failures.checked_sub(1).map(|attempt| self.backoff.delay(attempt, self.seed).unwrap_or_default())
    }
}

/// Removes the limit on attempts: a server that is away is awaited for as long as it takes.
pub(crate) fn without_limit(backoff: Backoff) -> Backoff {
    backoff.attempts(u32::MAX)
}

/// Returns a random number, by the randomness of hash tables.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Awaits the answer of a server for at most `limit`.
///
/// # Errors
///
/// Returns the error of the call, or one that says that the server did not answer in time.
pub async fn answer<T>(
    server: &str,
    what: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(ConnectError::gone(server, what, format!("no answer within {limit:?}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_follow_failures_and_end_with_them() {
        let second = Duration::from_secs(1);
        let mut outage = Outage::new(Backoff::new(second, 4 * second).attempts(1));
        assert_eq!(outage.delay(), None);
        for most in [1, 2, 4, 4, 4] {
            outage.failed();
            let delay = outage.delay().expect("a delay");
            assert!(delay <= most * second && delay >= most * second / 2, "{delay:?}");
        }
        outage.ended();
        assert_eq!(outage.delay(), None);
    }
}
