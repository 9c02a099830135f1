//! Stores the frames of an edge.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join4;
use stage_connect::{ConnectError, MessageId, Push, PutError};
use stage_edge::EdgeSpec;
use tokio::time::Instant;

use super::server::Place;
use crate::link::Link;

/// The first and the longest wait for room.
const ROOM: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// Stores frames, each once under its id. [`Full`](PutError::Full) while the edge holds
/// [`frames_kept`](EdgeSpec::frames_kept) frames.
///
/// The senders of an edge store frames one after the other, on all machines.
#[derive(Debug)]
pub struct PostgresOutlet {
    place: Place,
    link: Option<Arc<Link>>,
    frames_kept: i64,
    window: Duration,
    /// The wait if the edge is full again.
    wait: Duration,
    /// The time at which ids were last forgotten.
    forgot: Option<Instant>,
}

impl PostgresOutlet {
    pub(super) fn new(place: Place, spec: &EdgeSpec) -> Self {
        let (frames_kept, window) = (i64::from(spec.frames_kept), spec.window);
        Self { place, link: None, frames_kept, window, wait: ROOM[0], forgot: None }
    }

    /// Stores one frame. False: there is no room.
    async fn put_one(&self, link: &Link, id: &MessageId, frame: &[u8]) -> Result<bool, ConnectError> {
        let (statements, lane) = (&self.place.statements, self.place.lane());
        let (lock, put) = (link.statement(&statements.lock).await?, link.statement(&statements.put).await?);
        let (client, id, notify) = (link.client(), id.as_str(), self.place.queue.options().notify);
        // Sent in one go: none waits for the answer to the one before.
        let (begun, locked, put, ended) = join4(
            client.batch_execute("BEGIN"),
            client.execute(&lock, &[lane]),
            client.query_one(&put, &[lane, &id, &frame, &self.frames_kept, &notify]),
            client.batch_execute("COMMIT"),
        )
        .await;
        let put = put.and_then(|row| row.try_get(0));
        let stored = begun.and(locked.map(drop)).and(put).and_then(|stored| ended.map(|()| stored));
        link.roll_back(stored.is_err()).await;
        link.told("cannot store a frame", stored)
    }

    /// Forgets old ids, from time to time.
    async fn forget(&mut self, link: &Link) -> Result<(), ConnectError> {
        if self.forgot.is_some_and(|last| last.elapsed() < self.window / 10) {
            return Ok(());
        }
        let statement = link.statement(&self.place.statements.forget).await?;
        // Longer ones would leave the range of the server's timestamps.
        let seconds = self.window.as_secs_f64().min(1e9);
        let done = link.client().execute(&statement, &[self.place.lane(), &seconds]).await;
        link.told("cannot forget ids", done)?;
        self.forgot = Some(Instant::now());
        Ok(())
    }
}

impl Push for PostgresOutlet {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.link = Some(Arc::new(self.place.queue.connect().await?));
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        let Some(link) = self.link.clone() else {
            return Err(
                ConnectError::gone(self.describe(), "cannot store a frame", "it is not connected").into()
            );
        };
        self.forget(&link).await?;
        for (index, (id, frame)) in messages.iter().enumerate() {
            let failure = match self.put_one(&link, id, frame).await {
                Ok(true) => {
                    self.wait = ROOM[0];
                    self.place.queue.changed().notify_waiters();
                    continue;
                }
                Ok(false) => {
                    let after = self.wait;
                    self.wait = (self.wait * 2).min(ROOM[1]);
                    PutError::Full { after }
                }
                Err(error) => error.into(),
            };
            return failure.behind(index);
        }
        Ok(messages.len())
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}
