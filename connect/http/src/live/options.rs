//! Options of live events.

use std::time::Duration;

/// The treatment of a client that reads more slowly than events are published.
///
/// See the example of [`LiveOptions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowClient {
    /// It skips events, and gets an event `skipped` with their number in their place. The default.
    Skip,
    /// Its connection ends. A browser connects again, with the id of the last event that it has.
    Disconnect,
    /// The publisher waits for it, and with it the pipeline and all other clients. A client that takes nothing while
    /// the publisher has waited for `patience` is disconnected.
    Wait {
        /// The longest wait.
        patience: Duration,
    },
}

/// The options of live events.
///
/// ```
/// use stage_http::{LiveOptions, SlowClient};
///
/// let options = LiveOptions::new().keep(1_000).replay(10).slow_client(SlowClient::Disconnect);
/// ```
///
/// Many clients, behind a proxy that ends a silent connection after a minute:
///
/// ```
/// use std::time::Duration;
///
/// use stage_http::{Live, LiveError, LiveOptions};
///
/// let options = LiveOptions::new()
///     .clients(10_000)
///     .keep_alive(Duration::from_secs(30))
///     .retry(Duration::from_secs(5));
/// assert!(Live::new(options).is_ok());
/// assert!(matches!(Live::new(LiveOptions::new().clients(0)), Err(LiveError::Clients)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct LiveOptions {
    pub(super) kept: usize,
    pub(super) replay: usize,
    pub(super) slow: SlowClient,
    pub(super) clients: usize,
    pub(super) alive: Duration,
    pub(super) retry: Duration,
}

/// An invalid option of live events.
///
/// See the example of [`LiveOptions`].
#[derive(Clone, Copy, PartialEq, Eq, stage_core::__private::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The number of events kept is out of its range.
    #[error("`keep` must be from 1 to {}, got {kept}", LiveOptions::MOST_KEPT)]
    Kept {
        /// The number given.
        kept: usize,
    },
    /// More events are replayed than kept.
    #[error("`replay` must be at most the {kept} events kept, got {replay}")]
    Replay {
        /// The number of events to replay.
        replay: usize,
        /// The number of events kept.
        kept: usize,
    },
    /// No client may connect.
    #[error("`clients` must be at least 1, got 0")]
    Clients,
}

impl LiveOptions {
    /// The most events that can be kept.
    pub const MOST_KEPT: usize = 1_000_000;

    /// Returns the defaults.
    pub const fn new() -> Self {
        Self {
            kept: 256,
            replay: 0,
            slow: SlowClient::Skip,
            clients: 1_024,
            alive: Duration::from_secs(15),
            retry: Duration::from_secs(1),
        }
    }

    /// Sets the number of events that are kept, from 1 to 1,000,000: the distance at which a client is slow, and the
    /// events that a client that returns can still get. Default: 256.
    pub const fn keep(mut self, events: usize) -> Self {
        self.kept = events;
        self
    }

    /// Sets the number of past events that a new client gets, at most those that are kept. Default: 0.
    pub const fn replay(mut self, events: usize) -> Self {
        self.replay = events;
        self
    }

    /// Sets the treatment of slow clients. Default: [`SlowClient::Skip`].
    pub const fn slow_client(mut self, treatment: SlowClient) -> Self {
        self.slow = treatment;
        self
    }

    /// Sets the most clients at a time, at least 1; others get 503. Default: 1,024.
    pub const fn clients(mut self, clients: usize) -> Self {
        self.clients = clients;
        self
    }

    /// Sets the time between two signs of life on a stream without events. Default: 15 s.
    pub const fn keep_alive(mut self, every: Duration) -> Self {
        self.alive = every;
        self
    }

    /// Sets the time after which a browser that lost its connection connects again. Default: 1 s.
    pub const fn retry(mut self, after: Duration) -> Self {
        self.retry = after;
        self
    }

    pub(super) const fn check(&self) -> Result<(), LiveError> {
        if self.kept == 0 || self.kept > Self::MOST_KEPT {
            return Err(LiveError::Kept { kept: self.kept });
        }
        if self.replay > self.kept {
            return Err(LiveError::Replay { replay: self.replay, kept: self.kept });
        }
        if self.clients == 0 {
            return Err(LiveError::Clients);
        }
        Ok(())
    }
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self::new()
    }
}
