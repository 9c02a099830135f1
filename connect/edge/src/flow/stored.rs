//! The snapshot of a partition among the notes of its edge.
//!
//! A snapshot that fits is one note. A larger one is cut into parts, notes of their own that are stored before the head
//! that names them. The head is replaced by compare-and-set, so a process that has lost the partition stores parts
//! without a head at most. The next owner removes those of the last process that stored a head.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stage_connect::ConnectError;

use crate::calls::Calls;
use crate::codec::decode_postcard;
use crate::hash::key_hash;
use crate::notes::{Note, NoteError, Notes};
use crate::partition::{Epoch, Partition};
use crate::source::lane::Halt;
use crate::source::notes::{put_note, read_note};
use crate::source::shared::Shared;

/// The maximum size of a note's contents, in bytes; the rest of 64 KiB is for the head.
const PART: usize = 63 * 1024;
/// The maximum number of parts of a snapshot.
const MOST_PARTS: usize = 256;
/// The maximum size of a snapshot, in bytes.
pub(super) const MOST_BYTES: usize = PART * MOST_PARTS;

/// The snapshot of one partition, as its owner knows it.
pub(super) struct Stored<N> {
    notes: Arc<N>,
    name: String,
    epoch: u64,
    /// The number of the next snapshot under this epoch.
    number: u64,
    revision: Option<u64>,
    /// The parts that the head names, with their revisions.
    parts: Vec<(String, u64)>,
    /// The epoch and number of the snapshot that the process before may have begun.
    unnamed: Option<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    epoch: u64,
    number: u64,
    body: Body,
}

#[derive(Serialize, Deserialize)]
enum Body {
    Whole(Vec<u8>),
    Parts { count: u32, hash: u64 },
}

/// The outcome of a read.
pub(super) enum Loaded {
    Nothing,
    Snapshot(Vec<u8>),
    /// The notes contradict each other.
    Damaged(&'static str),
}

impl<N: Notes> Stored<N> {
    pub(super) fn new(notes: Arc<N>, edge: &str, partition: Partition, epoch: Epoch) -> Self {
        let name = format!("state.{edge}.{partition}");
        Self { notes, name, epoch: epoch.0, number: 0, revision: None, parts: Vec::new(), unnamed: None }
    }

    fn part(&self, epoch: u64, number: u64, part: usize) -> String {
        format!("{}.{epoch}-{number}.{part}", self.name)
    }

    /// Reads the last snapshot.
    pub(super) async fn load<T>(&mut self, calls: &mut Calls, shared: &Shared<T>) -> Result<Loaded, Halt> {
        loop {
            let loaded = self.load_once(calls, shared).await?;
            let Loaded::Damaged(_) = loaded else { return Ok(loaded) };
            // The process before may have stored another snapshot meanwhile, and removed these parts.
            let now = self.get(&self.name, calls, shared).await?.map(|note| note.revision);
            if now == self.revision {
                return Ok(loaded);
            }
        }
    }

    async fn load_once<T>(&mut self, calls: &mut Calls, shared: &Shared<T>) -> Result<Loaded, Halt> {
        self.parts.clear();
        let Some(note) = self.get(&self.name, calls, shared).await? else {
            return Ok(Loaded::Nothing);
        };
        self.revision = Some(note.revision);
        let Ok(Head { epoch, number, body }) = decode_postcard::<Head>(&note.value) else {
            return Ok(Loaded::Damaged("its head cannot be read"));
        };
        self.unnamed = (epoch != self.epoch).then(|| (epoch, number.saturating_add(1)));
        let (count, hash) = match body {
            Body::Whole(bytes) => return Ok(Loaded::Snapshot(bytes)),
            Body::Parts { count, hash } => (count as usize, hash),
        };
        let mut bytes = Vec::new();
        for part in 0..count.min(MOST_PARTS) {
            let name = self.part(epoch, number, part);
            let Some(note) = self.get(&name, calls, shared).await? else {
                return Ok(Loaded::Damaged("a part is missing"));
            };
            bytes.extend(note.value);
            self.parts.push((name, note.revision));
        }
        if key_hash(&bytes) != hash {
            return Ok(Loaded::Damaged("its parts do not fit together"));
        }
        Ok(Loaded::Snapshot(bytes))
    }

    /// Stores a snapshot of at most [`MOST_BYTES`], and tries again after each transient error.
    pub(super) async fn save<T>(
        &mut self,
        bytes: Vec<u8>,
        calls: &mut Calls,
        shared: &Shared<T>,
    ) -> Result<(), Halt> {
        let (epoch, number) = (self.epoch, self.number);
        self.number += 1;
        let mut parts = Vec::new();
        let body = if bytes.len() <= PART {
            Body::Whole(bytes)
        } else {
            for (part, chunk) in bytes.chunks(PART).enumerate() {
                let name = self.part(epoch, number, part);
                let revision = self.put(&name, chunk, None, calls, shared).await?;
                parts.push((name, revision));
            }
            Body::Parts { count: u32::try_from(parts.len()).unwrap_or(u32::MAX), hash: key_hash(&bytes) }
        };
        let Ok(head) = postcard::to_stdvec(&Head { epoch, number, body }) else { return Err(Halt) };
        let revision = self.put(&self.name, &head, self.revision, calls, shared).await?;
        self.revision = Some(revision);
        for (name, revision) in std::mem::replace(&mut self.parts, parts) {
            self.forget(&name, revision, calls).await;
        }
        // From here on, the process before cannot name them any more.
        if let Some((epoch, number)) = self.unnamed.take() {
            self.forget_unnamed(epoch, number, calls, shared).await?;
        }
        Ok(())
    }

    /// Removes the parts that the process before had stored when it ended, without a head.
    async fn forget_unnamed<T>(
        &self,
        epoch: u64,
        number: u64,
        calls: &mut Calls,
        shared: &Shared<T>,
    ) -> Result<(), Halt> {
        for part in 0..MOST_PARTS {
            let name = self.part(epoch, number, part);
            let Some(note) = self.get(&name, calls, shared).await? else { break };
            self.forget(&name, note.revision, calls).await;
        }
        Ok(())
    }

    /// Removes a part that no head names any more. If that fails, it stays without effect.
    async fn forget(&self, name: &str, revision: u64, calls: &Calls) {
        let removed = async {
            match self.notes.remove(name, revision).await {
                Ok(()) | Err(NoteError::Conflict) => Ok(()),
                Err(NoteError::Connect(error)) => Err(error),
            }
        };
        if let Err(error) = calls.answer("cannot remove a note", removed).await {
            tracing::warn!(%error, name, "a note remains on the server");
        }
    }

    async fn get<T>(&self, name: &str, calls: &mut Calls, shared: &Shared<T>) -> Result<Option<Note>, Halt> {
        read_note(&*self.notes, name, calls, shared).await
    }

    /// Stores a note. Returns its revision; halts if another process has stored it.
    async fn put<T>(
        &self,
        name: &str,
        value: &[u8],
        expected: Option<u64>,
        calls: &mut Calls,
        shared: &Shared<T>,
    ) -> Result<u64, Halt> {
        let stored = put_note(&*self.notes, name, value, expected, calls, shared).await?;
        if stored.is_none() {
            tracing::info!(name, "the state of a partition belongs to another process");
        }
        stored.ok_or(Halt)
    }
}

/// Returns the error of a snapshot that cannot be stored or read.
pub(super) fn unusable(
    server: &str,
    partition: Partition,
    what: impl std::fmt::Display,
    remedy: &str,
) -> ConnectError {
    ConnectError::fatal(server, format!("the state of partition {partition} cannot be used: {what}"), remedy)
}
