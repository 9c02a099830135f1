//! The client that stores messages in a queue in memory.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::queue::SERVER;
use super::server::Inner;
use super::switch::Connection;
use crate::error::ConnectError;
use crate::message_id::MessageId;
use crate::push::{Push, PutError};

/// The time after which a full server is asked again.
const FULL: Duration = Duration::from_millis(100);

/// A client that stores messages in a [`MemoryServer`](super::MemoryServer), which knows their ids.
#[derive(Debug)]
pub struct MemoryPush<M> {
    inner: Arc<Inner<M>>,
    connection: Option<Connection>,
}

impl<M> MemoryPush<M> {
    pub(super) const fn new(inner: Arc<Inner<M>>) -> Self {
        Self { inner, connection: None }
    }
}

impl<M: Clone + Send + Sync + 'static> Push for MemoryPush<M> {
    type Message = M;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.connection = Some(self.inner.switch.connect(SERVER)?);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, M)]) -> Result<usize, PutError> {
        self.inner.switch.check(SERVER, self.connection)?;
        let now = Instant::now();
        let room = *self.inner.room.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.inner.state();
        let mut ids = self.inner.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = 0;
        for (id, message) in messages {
            if !ids.contains(id) {
                if state.counts(now).ready >= room as u64 {
                    break;
                }
                ids.insert(id.clone());
                state.publish([message.clone()], now);
            }
            stored += 1;
        }
        drop(state);
        self.inner.switch.notify();
        if stored == 0 { Err(PutError::Full { after: FULL }) } else { Ok(stored) }
    }

    fn describe(&self) -> String {
        SERVER.to_owned()
    }
}
