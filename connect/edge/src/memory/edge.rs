//! The server in memory.

use std::sync::Arc;

use stage_connect::ConnectError;
use tokio::time::Instant;

use super::fault::Fault;
use super::inlet::MemoryInlet;
use super::leases::MemoryLeases;
use super::network::{Call, Link, Network};
use super::notes::MemoryNotes;
use super::outlet::{MemoryLetters, MemoryOutlet};
use super::state::Inner;
use crate::edge::{Edge, Lag, Opened};
use crate::leases::MemberId;
use crate::letter::Letter;
use crate::partition::{Epoch, Partition};
use crate::spec::EdgeSpec;

/// A server in memory, as one machine reaches it. Clones and the handles of other machines belong to the same server.
#[derive(Clone, Debug)]
pub struct MemoryEdge {
    link: Link,
}

impl MemoryEdge {
    /// Creates a server, reached from a machine `local`.
    pub fn new() -> Self {
        Self { link: Link { inner: Arc::new(Inner::default()), machine: "local".into() } }
    }

    /// Creates a server that breaks a promise.
    pub fn with_fault(fault: Fault) -> Self {
        let edge = Self::new();
        edge.link.inner.lock().fault = Some(fault);
        edge
    }

    /// Returns the same server as another machine reaches it.
    pub fn machine(&self, name: impl Into<Arc<str>>) -> Self {
        Self { link: Link { inner: Arc::clone(&self.link.inner), machine: name.into() } }
    }

    /// Sets the state of the network of this machine.
    pub fn set_network(&self, network: Network) {
        self.link.inner.set_network(&self.link.machine, network);
    }

    /// The next calls of this machine take effect, but their answers are lost, as at a cut of the network.
    pub fn lose_answers(&self, answers: u32) {
        self.link.inner.lose_answers(&self.link.machine, answers);
    }

    /// Delivers all frames in flight again, as if their time had run out.
    pub fn redeliver(&self) {
        let mut state = self.link.inner.lock();
        let frames = state.streams.values_mut().flat_map(|stream| &mut stream.frames);
        frames.for_each(|frame| frame.flight = None);
        drop(state);
        self.link.inner.changed.notify_waiters();
    }

    /// Returns the number of frames of an edge that are not accepted yet.
    pub fn frames(&self, edge: &str) -> usize {
        let state = self.link.inner.lock();
        let streams = state.streams.iter().filter(|((name, _), _)| name == edge);
        streams.map(|(_, stream)| stream.frames.len()).sum()
    }

    /// Returns the number of frames of an edge that consumers have in hand.
    pub fn frames_in_flight(&self, edge: &str) -> usize {
        let (state, now) = (self.link.inner.lock(), Instant::now());
        let streams = state.streams.iter().filter(|((name, _), _)| name == edge);
        let frames = streams.flat_map(|(_, stream)| &stream.frames);
        frames.filter(|frame| frame.flight.is_some_and(|(_, until)| until > now)).count()
    }

    /// Returns the greatest number of frames that a partition of an edge has held.
    pub fn most_frames(&self, edge: &str) -> usize {
        let state = self.link.inner.lock();
        let streams = state.streams.iter().filter(|((name, _), _)| name == edge);
        streams.map(|(_, stream)| stream.most).max().unwrap_or(0)
    }

    /// Returns the member whose lease of a partition has not ended.
    pub fn owner(&self, edge: &str, partition: Partition) -> Option<MemberId> {
        let state = self.link.inner.lock();
        state.lease(&(edge.to_owned(), partition), Instant::now()).map(|lease| lease.by.clone())
    }

    /// Returns the dead letters of all edges, in order.
    pub fn dead_letters(&self) -> Vec<Letter> {
        let state = self.link.inner.lock();
        state.letters.values().filter_map(|(_, bytes)| Letter::read(bytes).ok()).collect()
    }

    /// Stores a message in a partition, as another program might.
    pub fn store(&self, edge: &str, partition: Partition, message: impl Into<bytes::Bytes>) {
        let mut state = self.link.inner.lock();
        state.streams.entry((edge.to_owned(), partition)).or_default().append(message.into());
        drop(state);
        self.link.inner.changed.notify_waiters();
    }

    /// Waits until `is_so`, which is asked after each change of the server.
    pub async fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.link.inner.changed.notified());
            changed.as_mut().enable();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }
}

impl Default for MemoryEdge {
    fn default() -> Self {
        Self::new()
    }
}

impl Edge for MemoryEdge {
    type Inlet = MemoryInlet;
    type Outlet = MemoryOutlet;
    type Leases = MemoryLeases;
    type Notes = MemoryNotes;
    type Letters = MemoryLetters;

    /// Creates the edge if it is missing, whatever the specification says.
    async fn open(&self, spec: &EdgeSpec) -> Result<Opened, ConnectError> {
        self.link.reach(Call::Data).await?;
        let found =
            self.link.inner.lock().specs.entry(spec.name.clone()).or_insert_with(|| spec.clone()).clone();
        let differs = |what: &str, this: String, other: String| {
            let what = format!("edge `{}` has {what} {other}, this program {this}", spec.name);
            Err(ConnectError::fatal(self.describe(), what, "use one value everywhere, or another name"))
        };
        let count = |spec: &EdgeSpec| spec.partitions.map_or("none".to_owned(), |count| count.to_string());
        if found.partitions != spec.partitions {
            return differs("partitions", count(spec), count(&found));
        }
        let changed = |one: u64, other: u64| one != 0 && other != 0 && one != other;
        if found.schema.number == spec.schema.number
            && changed(found.schema.fingerprint, spec.schema.fingerprint)
        {
            return differs("schema", spec.schema.to_string(), found.schema.to_string());
        }
        let opened = Opened { warnings: Vec::new(), durability: "lost with the process".to_owned() };
        self.link.answer(opened).await
    }

    fn inlet(&self, spec: &EdgeSpec, partition: Partition, epoch: Epoch) -> MemoryInlet {
        MemoryInlet::new(self.link.clone(), spec, partition, Some(epoch))
    }

    fn pool(&self, spec: &EdgeSpec) -> MemoryInlet {
        MemoryInlet::new(self.link.clone(), spec, Partition(0), None)
    }

    fn outlet(&self, spec: &EdgeSpec, partition: Partition) -> MemoryOutlet {
        MemoryOutlet::new(self.link.clone(), spec, partition)
    }

    fn leases(&self, spec: &EdgeSpec) -> MemoryLeases {
        MemoryLeases::new(self.link.clone(), spec)
    }

    fn notes(&self, spec: &EdgeSpec) -> MemoryNotes {
        MemoryNotes::new(self.link.clone(), spec)
    }

    fn letters(&self, spec: &EdgeSpec) -> MemoryLetters {
        MemoryLetters::new(self.link.clone(), spec.name.clone())
    }

    async fn lag(&self, spec: &EdgeSpec) -> Result<Vec<Lag>, ConnectError> {
        self.link.reach(Call::Data).await?;
        let now = Instant::now();
        let lag = {
            let state = self.link.inner.lock();
            let lag = |partition| {
                let Some(stream) = state.streams.get(&(spec.name.clone(), Partition(partition))) else {
                    return Lag::default();
                };
                Lag {
                    frames: stream.frames.len() as u64,
                    bytes: stream.frames.iter().map(|frame| frame.bytes.len() as u64).sum(),
                    oldest: stream.frames.front().map(|frame| now.duration_since(frame.since)),
                }
            };
            (0..spec.entrances()).map(lag).collect()
        };
        self.link.answer(lag).await
    }

    fn describe(&self) -> String {
        self.link.describe()
    }
}
