//! Calls of a server, which may be away.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use stage_connect::{ConnectError, ErrorKind};
use stage_core::{Backoff, BoxError, Fatal};
use tokio::time::{sleep, timeout};

/// The longest wait for an answer of the server.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// The delays between attempts to reach a server.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    server: Arc<str>,
    failures: u32,
    seed: u64,
}

impl Calls {
    pub(crate) fn new(server: impl Into<Arc<str>>, seed: u64) -> Self {
        Self { server: server.into(), failures: 0, seed }
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Waits before the next attempt, if the last one failed.
    pub(crate) async fn pause(&self) {
        let Some(attempt) = self.failures.checked_sub(1) else { return };
        let backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2)).attempts(u32::MAX);
        sleep(backoff.delay(attempt, self.seed).unwrap_or_default()).await;
    }

    /// Awaits the answer of the server.
    pub(crate) async fn answer<T>(
        &self,
        what: impl fmt::Display,
        call: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        timeout(ANSWER, call).await.unwrap_or_else(|_| Err(self.silence(what, ANSWER)))
    }

    /// Returns the error of a server that did not answer.
    pub(crate) fn silence(&self, what: impl fmt::Display, limit: Duration) -> ConnectError {
        ConnectError::gone(&self.server, what, format!("no answer within {limit:?}"))
    }
}

/// Returns the error with which a stage ends.
pub(crate) fn ending(error: &Arc<ConnectError>) -> BoxError {
    match error.kind() {
        ErrorKind::Fatal => Fatal::new(Arc::clone(error)).into(),
        ErrorKind::Gone | ErrorKind::Fenced => Arc::clone(error).into(),
    }
}

/// Returns a random number, by the randomness of hash tables.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
