//! Stores the frames of an edge.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::params;
use stage_connect::{ConnectError, MessageId, Push, PutError};
use stage_edge::EdgeSpec;
use tokio::time::Instant;

use super::server::Place;
use crate::job::NewJob;
use crate::queue::{millis, now};

/// The first and the longest wait for room.
const ROOM: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// Stores frames, each once under its id. [`Full`](PutError::Full) while the edge holds
/// [`frames_kept`](EdgeSpec::frames_kept) frames.
#[derive(Debug)]
pub struct SqliteOutlet {
    place: Place,
    frames_kept: u32,
    window: Duration,
    /// The wait if the edge is full again.
    wait: Duration,
    /// The time at which ids were last forgotten.
    forgot: Option<Instant>,
}

impl SqliteOutlet {
    pub(super) fn new(place: Place, spec: &EdgeSpec) -> Self {
        let (frames_kept, window) = (spec.frames_kept, spec.window);
        Self { place, frames_kept, window, wait: ROOM[0], forgot: None }
    }

    /// Returns the time before which ids are to be forgotten now, if it is time to do so.
    fn forgets(&mut self) -> Option<i64> {
        let is_time = self.forgot.is_none_or(|last| last.elapsed() >= self.window / 10);
        is_time.then(|| now().saturating_sub(millis(self.window)))
    }
}

impl Push for SqliteOutlet {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.place.run("cannot open", |_, _, _, _| Ok(())).await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        let (messages, kept, forgets) = (messages.to_vec(), self.frames_kept, self.forgets());
        let all = messages.len();
        let stored = self.place.run("cannot store a frame", move |statements, table, lane, tx| {
            let now = now();
            if let Some(before) = forgets {
                tx.prepare_cached(&statements.forget)?.execute(params![lane, before])?;
            }
            for (index, (id, frame)) in messages.iter().enumerate() {
                let mut known = tx.prepare_cached(&statements.is_known)?;
                if known.query_row(params![lane, id.as_str()], |row| row.get(0))? {
                    continue;
                }
                let held = tx
                    .prepare_cached(&statements.kept)?
                    .query_row(params![lane, kept], |row| row.get::<_, u32>(0))?;
                if held >= kept {
                    return Ok(index);
                }
                for job in table.enqueue(tx, lane, [NewJob::new(frame.to_vec())], now)? {
                    tx.prepare_cached(&statements.remember)?.execute(params![
                        job.0,
                        lane,
                        id.as_str(),
                        now
                    ])?;
                }
            }
            Ok(messages.len())
        });
        let stored = stored.await?;
        if forgets.is_some() {
            self.forgot = Some(Instant::now());
        }
        self.place.queue.changed().notify_waiters();
        if stored == 0 && all > 0 {
            let after = self.wait;
            self.wait = (self.wait * 2).min(ROOM[1]);
            return Err(PutError::Full { after });
        }
        self.wait = ROOM[0];
        Ok(stored)
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}
