//! A connection that several halves of an edge share.

use std::sync::Arc;

use stage_connect::ConnectError;
use tokio::sync::Mutex;

use crate::link::Link;
use crate::server::Server;

/// A connection that is opened with the first use, and again after a failure. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    server: Server,
    current: Arc<Mutex<Option<Link>>>,
}

impl Line {
    pub(super) fn new(server: Server) -> Self {
        Self { server, current: Arc::default() }
    }

    pub(super) const fn server(&self) -> &Server {
        &self.server
    }

    /// Returns the connection. Cancel safe.
    pub(super) async fn link(&self) -> Result<Link, ConnectError> {
        let mut current = self.current.lock().await;
        if let Some(link) = current.as_ref().filter(|link| link.is_sound()) {
            return Ok(link.clone());
        }
        *current = None;
        let link = self.server.connect().await?;
        Ok(current.insert(link).clone())
    }
}
