//! Stores the events that were made of one frame of an edge under ids that follow from that frame.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use stage_connect::{ConnectError, MessageId, Push};
use stage_core::ack::{Origin, Token};
use stage_core::stage::Hold;

use super::filling::{MAX_EVENTS, Tokens};
use crate::entrance::{Entrance, Stored};
use crate::fault::Fault;
use crate::frame::{BEFORE_EVENT, FrameId, FrameWriter, Header};
use crate::hash::{key_hash, mix, partition_of};
use crate::partition::Partition;
use crate::spec::EdgeSpec;

/// The events that were made of frames, by their origins, and the entrances by which they are stored.
pub(super) struct Once<P> {
    edge: String,
    header: Header,
    frame_bytes: usize,
    /// The entrance of each partition, which stores one frame at a time.
    entrances: Vec<tokio::sync::Mutex<Entrance<P>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    gathered: HashMap<Origin, Gathered>,
    fault: Fault,
}

/// The events that were made of one frame so far.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// The hash of each event's key, and its place among the bytes.
    events: Vec<(u64, usize, usize)>,
    tokens: Tokens,
    /// Keeps the stage from ending before the events are stored.
    _hold: Option<Hold>,
}

/// An event that arrives.
pub(super) struct Made<'a> {
    pub(super) key: u64,
    pub(super) event: &'a [u8],
    pub(super) token: Token,
}

/// The task that stores the events that were made of one frame.
type Store = BoxFuture<'static, ()>;

impl<P: Push<Message = Bytes>> Once<P> {
    pub(super) fn new(
        spec: &EdgeSpec,
        header: Header,
        entrances: impl Iterator<Item = Entrance<P>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            edge: spec.name.clone(),
            header,
            frame_bytes: spec.frame_bytes,
            entrances: entrances.map(tokio::sync::Mutex::new).collect(),
            state: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event to the others of its origin. Returns the task that stores them with the first one.
    pub(super) fn gather(
        self: &Arc<Self>,
        Made { key, event, token }: Made<'_>,
        hold: impl FnOnce() -> Hold,
    ) -> Result<Option<Store>, Arc<ConnectError>> {
        let Some(origin) = token.origin() else {
            give_back(token);
            return Err(self.no_origin().into());
        };
        let mut state = self.lock();
        if let Some(error) = state.fault.failure() {
            drop(state);
            give_back(token);
            return Err(error);
        }
        let (gathered, first) = match state.gathered.entry(origin.clone()) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => {
                (entry.insert(Gathered { _hold: Some(hold()), ..Gathered::default() }), true)
            }
        };
        gathered.events.push((key, gathered.bytes.len(), event.len()));
        gathered.bytes.extend(event);
        gathered.tokens.add(token);
        drop(state);
        origin.arrive();
        Ok(first.then(|| Arc::clone(self).store(origin).boxed()))
    }

    fn no_origin(&self) -> ConnectError {
        let what = "an event with `once` was not made of one frame of an edge".to_owned();
        let remedy = "set `whole_frames` on the edge before, and leave out steps that join events";
        ConnectError::fatal(format!("edge `{}`", self.edge), what, remedy)
    }

    /// Stores the events that were made of a frame, when no further event can follow.
    async fn store(self: Arc<Self>, origin: Origin) {
        origin.all_arrived().await;
        let Some(mut gathered) = self.lock().gathered.remove(&origin) else { return };
        if origin.is_dead() {
            // The frame is handed out again.
            return gathered.tokens.acknowledge();
        }
        let partitions = self.cut(&gathered, origin.name());
        let puts = partitions.into_iter().map(|(partition, frames)| self.put_all(partition, frames));
        let refused = match try_join_all(puts).await {
            Ok(refused) => refused.into_iter().flatten().next(),
            Err(error) => return self.lock().fault.fail(error),
        };
        match refused {
            None => gathered.tokens.acknowledge(),
            Some(cause) => gathered.tokens.reject(&cause),
        }
    }

    /// Stores the frames of one partition, in order. Returns the cause of a refusal.
    async fn put_all(
        &self,
        partition: Partition,
        frames: Vec<(MessageId, Bytes)>,
    ) -> Result<Option<String>, ConnectError> {
        let Some(entrance) = self.entrances.get(partition.0 as usize) else { return Ok(None) };
        let mut entrance = entrance.lock().await;
        for frame in frames {
            if let Stored::Refused(cause) = entrance.store(frame, |_| {}).await? {
                return Ok(Some(cause));
            }
        }
        Ok(None)
    }

    /// Cuts events into frames. The events of a key keep their order; that of the keys does not depend on the order of
    /// arrival.
    fn cut(&self, gathered: &Gathered, origin: &str) -> Vec<(Partition, Vec<(MessageId, Bytes)>)> {
        let entrances = u32::try_from(self.entrances.len()).unwrap_or(u32::MAX);
        let mut events = gathered.events.clone();
        // The partition of a hash rises with it, so this also sorts by partition.
        events.sort_by_key(|(key, ..)| *key);
        let partition = |key| partition_of(key, entrances);
        let of_partitions = events.chunk_by(|(one, ..), (other, ..)| partition(*one) == partition(*other));
        let cut = |events: &[(u64, usize, usize)]| {
            let mut cut = Cut { once: self, partition: partition(events[0].0), origin, frames: Vec::new() };
            let (mut writer, mut digest) = (FrameWriter::new(), 0);
            for &(key, begin, length) in events {
                let event = &gathered.bytes[begin..begin + length];
                let fits =
                    writer.size() + BEFORE_EVENT + length <= self.frame_bytes && writer.len() < MAX_EVENTS;
                if !fits && !writer.is_empty() {
                    cut.add(std::mem::take(&mut writer), std::mem::take(&mut digest));
                }
                writer.push(key, event);
                digest = mix(digest ^ key).wrapping_add(key_hash(event));
            }
            cut.add(writer, digest);
            (cut.partition, cut.frames)
        };
        of_partitions.map(cut).collect()
    }
}

/// Gives a delivery back untried.
fn give_back(token: Token) {
    // A token with a value is not in hand, so dropping it is no attempt.
    drop(token.with(()));
}

/// Collects the frames for one partition, with the results of one frame of the edge before.
struct Cut<'a, P> {
    once: &'a Once<P>,
    partition: Partition,
    origin: &'a str,
    frames: Vec<(MessageId, Bytes)>,
}

impl<P> Cut<'_, P> {
    /// Adds a frame. Its id has a digest of its events: where a repetition has made others, these are stored, too.
    fn add(&mut self, writer: FrameWriter, digest: u64) {
        let Self { once, partition, origin, frames } = self;
        let sequence = frames.len() as u64;
        let id = format!("{}.{partition}.{origin}.{sequence}-{digest:016x}", once.edge);
        let header =
            Header { id: FrameId { writer: key_hash(id.as_bytes()), epoch: 0, sequence }, ..once.header };
        frames.push((MessageId::new(id), writer.finish(&header)));
    }
}
