//! Calls of a server, which may be away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stage_connect::__private::{Outage, answer};
use stage_connect::{ConnectError, ErrorKind};
use stage_core::Backoff;
use tokio::time::sleep;
#[cfg(any(feature = "flow", feature = "memory"))]
use tokio::time::{Instant, sleep_until};

/// The longest wait for an answer of the server.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The longest delay between attempts, so that a server that is back is noticed at once. An attempt costs little beside a
/// process that waits.
pub(crate) const DELAY: Duration = Duration::from_millis(250);

/// Calls of a server, and the delays between attempts to reach it.
#[derive(Debug)]
pub(crate) struct Calls {
    server: Arc<str>,
    seed: u64,
    outage: Outage,
}

impl Calls {
    pub(crate) fn new(server: impl Into<Arc<str>>, seed: u64) -> Self {
        let backoff = Backoff::new(Duration::from_millis(50), DELAY);
        Self { server: server.into(), seed, outage: Outage::seeded(backoff, seed) }
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn succeeded(&mut self) {
        self.outage.ended();
    }

    pub(crate) fn failed(&mut self) {
        self.outage.failed();
    }

    /// Counts a failed call, and returns the error of a server that is away. Any other error ends the calls.
    pub(crate) fn away(&mut self, error: ConnectError) -> Result<ConnectError, ConnectError> {
        if error.kind() != ErrorKind::Gone {
            return Err(error);
        }
        self.failed();
        tracing::warn!(%error, "waiting for the server");
        Ok(error)
    }

    /// Waits before the next attempt, if the last one failed.
    pub(crate) async fn pause(&self) {
        if let Some(delay) = self.outage.delay() {
            sleep(delay).await;
        }
    }

    /// Awaits the answer of the server.
    pub(crate) async fn answer<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        answer(&self.server, what, ANSWER, call).await
    }

    /// Returns the error of a server that did not answer.
    pub(crate) fn silence(&self, what: impl fmt::Display, limit: Duration) -> ConnectError {
        ConnectError::gone(&self.server, what, format!("no answer within {limit:?}"))
    }
}

/// Waits until a time; for ever without one.
#[cfg(any(feature = "flow", feature = "memory"))]
pub(crate) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_for_long_is_asked_four_times_a_second() {
        let mut calls = Calls::new("server", 7);
        for _ in 0..100 {
            calls.failed();
            let begun = Instant::now();
            calls.pause().await;
            // The clock of the tests has a resolution of 1 ms.
            assert!(begun.elapsed() <= DELAY + Duration::from_millis(1), "{:?}", begun.elapsed());
        }
        calls.succeeded();
        let begun = Instant::now();
        calls.pause().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
