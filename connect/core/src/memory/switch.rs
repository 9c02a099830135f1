//! Whether a server in memory can be reached.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::ConnectError;

/// The state of the network between clients and a server.
#[derive(Debug, Default)]
pub(super) struct Switch {
    reach: Mutex<Reach>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    away: bool,
    /// Grows whenever all connections break.
    epoch: u64,
}

/// A connection, as long as it is not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection(u64);

impl Switch {
    fn lock(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_away(&self, away: bool) {
        let mut reach = self.lock();
        reach.away = away;
        reach.epoch += 1;
        drop(reach);
        self.changed.notify_waiters();
    }

    pub(super) fn cut(&self) {
        self.lock().epoch += 1;
        self.changed.notify_waiters();
    }

    /// Notifies clients of a change on the server.
    pub(super) fn notify(&self) {
        self.changed.notify_waiters();
    }

    pub(super) const fn changed(&self) -> &Notify {
        &self.changed
    }

    pub(super) fn connect(&self, server: &str) -> Result<Connection, ConnectError> {
        let reach = self.lock();
        if reach.away {
            return Err(ConnectError::gone(server, "cannot connect", "connection refused"));
        }
        Ok(Connection(reach.epoch))
    }

    pub(super) fn check(&self, server: &str, connection: Option<Connection>) -> Result<(), ConnectError> {
        let reach = self.lock();
        if reach.away || connection != Some(Connection(reach.epoch)) {
            return Err(ConnectError::gone(server, "lost the connection", "connection reset"));
        }
        Ok(())
    }
}
