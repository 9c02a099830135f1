//! The storing clients of the server in memory.

use std::time::Duration;

use bytes::Bytes;
use stage_connect::{ConnectError, MessageId, Push, PutError};

use super::fault::Fault;
use super::network::{Call, Link};
use super::state::Place;
use crate::dead::{DeadEvent, Letters};
use crate::letter::Letter;
use crate::partition::Partition;
use crate::spec::EdgeSpec;

/// Stores frames in one partition, or in a pool.
#[derive(Debug)]
pub struct MemoryOutlet {
    link: Link,
    place: Place,
    frames_kept: usize,
}

/// Stores dead letters.
#[derive(Debug)]
pub struct MemoryLetters {
    link: Link,
    edge: String,
}

/// The outcome of one message.
enum Put {
    Stored,
    Full,
}

impl MemoryOutlet {
    pub(super) fn new(link: Link, spec: &EdgeSpec, partition: Partition) -> Self {
        Self { link, place: (spec.name.clone(), partition), frames_kept: spec.frames_kept as usize }
    }

    fn put_one(&self, id: &MessageId, message: &Bytes) -> Put {
        let mut state = self.link.inner.lock();
        let (drops, endless) = (state.has(Fault::DropsWhenFull), state.has(Fault::IsNeverFull));
        let forgets = state.has(Fault::ForgetsIds);
        let stream = state.streams.entry(self.place.clone()).or_default();
        if stream.knows(id) && !forgets {
            return Put::Stored;
        }
        if stream.frames.len() >= self.frames_kept && !endless {
            return if drops { Put::Stored } else { Put::Full };
        }
        stream.is_new(id);
        stream.append(message.clone());
        Put::Stored
    }
}

impl Push for MemoryOutlet {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.link.reach(Call::Data).await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        self.link.reach(Call::Data).await?;
        let stored =
            messages.iter().take_while(|(id, message)| matches!(self.put_one(id, message), Put::Stored));
        let stored = stored.count();
        self.link.inner.changed.notify_waiters();
        self.link.answer(()).await?;
        if stored == 0 && !messages.is_empty() {
            return Err(PutError::Full { after: Duration::from_millis(10) });
        }
        Ok(stored)
    }

    fn describe(&self) -> String {
        let (edge, partition) = &self.place;
        format!("{}, partition {partition} of edge `{edge}`", self.link.describe())
    }
}

impl MemoryLetters {
    pub(super) const fn new(link: Link, edge: String) -> Self {
        Self { link, edge }
    }
}

impl Push for MemoryLetters {
    type Message = Bytes;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.link.reach(Call::Data).await
    }

    async fn put(&mut self, messages: &[(MessageId, Bytes)]) -> Result<usize, PutError> {
        self.link.reach(Call::Data).await?;
        {
            let mut state = self.link.inner.lock();
            for (id, message) in messages {
                if state.letters.values().all(|(known, _)| known != id) {
                    state.last_letter += 1;
                    let number = state.last_letter;
                    state.letters.insert(number, (id.clone(), message.clone()));
                }
            }
        }
        self.link.inner.changed.notify_waiters();
        Ok(self.link.answer(messages.len()).await?)
    }

    fn describe(&self) -> String {
        format!("{}, dead letters", self.link.describe())
    }
}

impl Letters for MemoryLetters {
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<DeadEvent>, ConnectError> {
        self.link.reach(Call::Data).await?;
        let found = {
            let state = self.link.inner.lock();
            let later = state.letters.range(after.saturating_add(1)..);
            let read = later.filter_map(|(number, (_, bytes))| {
                let letter = Letter::read(bytes).ok().filter(|letter| letter.edge == self.edge)?;
                Some(DeadEvent::new(*number, letter))
            });
            read.take(limit).collect()
        };
        self.link.answer(found).await
    }

    async fn remove(&self, number: u64) -> Result<bool, ConnectError> {
        self.link.reach(Call::Data).await?;
        let existed = self.link.inner.lock().letters.remove(&number).is_some();
        self.link.answer(existed).await
    }
}
