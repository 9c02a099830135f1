//! The network between a machine and the server in memory.

use std::sync::Arc;

use stage_connect::ConnectError;
#[cfg(feature = "testing")]
use stage_core::testing::turn;
#[cfg(not(feature = "testing"))]
use tokio::task::yield_now as turn;

use super::state::Inner;

/// The state of the network between one machine and the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Calls take effect and are answered.
    #[default]
    Up,
    /// Calls fail at once.
    Down,
    /// Calls wait until the network is up, as for a machine that stands still.
    Silent,
    /// As `Silent` for calls about leases, and `Up` for all others: a process that believes in a lease that it has lost.
    SilentLeases,
}

/// The subject of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Data,
    Leases,
}

/// One machine's connection with the server.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) inner: Arc<Inner>,
    pub(super) machine: Arc<str>,
}

impl Link {
    /// Waits until a call reaches the server.
    pub(super) async fn reach(&self, call: Call) -> Result<(), ConnectError> {
        turn().await;
        loop {
            let mut changed = std::pin::pin!(self.inner.changed.notified());
            changed.as_mut().enable();
            match (self.inner.network(&self.machine), call) {
                (Network::Up, _) | (Network::SilentLeases, Call::Data) => return Ok(()),
                (Network::Down, _) => return Err(self.gone("connection refused")),
                (Network::Silent, _) | (Network::SilentLeases, Call::Leases) => changed.await,
            }
        }
    }

    /// Returns the answer to a call that took effect, unless it is lost.
    pub(super) async fn answer<R>(&self, result: R) -> Result<R, ConnectError> {
        turn().await;
        if self.inner.loses_answer(&self.machine) {
            return Err(self.gone("connection reset"));
        }
        Ok(result)
    }

    pub(super) fn gone(&self, cause: &'static str) -> ConnectError {
        ConnectError::gone(self.describe(), "no answer", cause)
    }

    pub(super) fn describe(&self) -> String {
        format!("memory edge, from {}", self.machine)
    }
}
