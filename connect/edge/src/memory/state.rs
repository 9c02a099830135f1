//! The state of the server.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stage_connect::MessageId;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fault::Fault;
use super::network::Network;
use crate::leases::{Member, MemberId};
use crate::notes::Note;
use crate::partition::Partition;
use crate::spec::EdgeSpec;

#[derive(Debug, Default)]
pub(super) struct Inner {
    state: Mutex<State>,
    pub(super) changed: Notify,
    /// Notifies of changed members and owners.
    pub(super) leases_changed: Notify,
}

/// The name of an edge and a partition.
pub(super) type Place = (String, Partition);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) fault: Option<Fault>,
    machines: BTreeMap<Arc<str>, Machine>,
    pub(super) specs: BTreeMap<String, EdgeSpec>,
    pub(super) streams: BTreeMap<Place, Stream>,
    pub(super) leases: BTreeMap<Place, Lease>,
    pub(super) epochs: BTreeMap<Place, u64>,
    pub(super) members: BTreeMap<(String, MemberId), (Member, Instant)>,
    pub(super) notes: BTreeMap<String, Note>,
    pub(super) revision: u64,
    /// The dead letters by number, and the number of the last one.
    pub(super) letters: BTreeMap<u64, (MessageId, Bytes)>,
    pub(super) last_letter: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Machine {
    network: Network,
    /// The number of answers that will be lost.
    lost_answers: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) by: MemberId,
    pub(super) epoch: u64,
    pub(super) ends: Instant,
}

/// The frames of one partition, or of a pool.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) frames: VecDeque<Stored>,
    ids: BTreeSet<MessageId>,
    next: u64,
    /// The greatest number of frames so far.
    pub(super) most: usize,
}

#[derive(Debug)]
pub(super) struct Stored {
    pub(super) position: u64,
    pub(super) bytes: Bytes,
    pub(super) since: Instant,
    /// The consumer that has it in hand, and the time until which it does.
    pub(super) flight: Option<(u64, Instant)>,
    pub(super) not_before: Option<Instant>,
    pub(super) deliveries: u32,
}

impl Inner {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn network(&self, machine: &str) -> Network {
        self.lock().machines.get(machine).map(|machine| machine.network).unwrap_or_default()
    }

    pub(super) fn set_network(&self, machine: &Arc<str>, network: Network) {
        self.lock().machines.entry(Arc::clone(machine)).or_default().network = network;
        self.changed.notify_waiters();
    }

    pub(super) fn lose_answers(&self, machine: &Arc<str>, answers: u32) {
        self.lock().machines.entry(Arc::clone(machine)).or_default().lost_answers += answers;
    }

    pub(super) fn loses_answer(&self, machine: &str) -> bool {
        let mut state = self.lock();
        let lost = state.machines.get_mut(machine).map(|machine| &mut machine.lost_answers);
        let Some(lost) = lost.filter(|lost| **lost > 0) else { return false };
        *lost -= 1;
        true
    }
}

impl State {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(super) fn epoch(&self, place: &Place) -> u64 {
        self.epochs.get(place).copied().unwrap_or(0)
    }

    /// Returns the lease of a partition that has not ended.
    pub(super) fn lease(&self, place: &Place, now: Instant) -> Option<&Lease> {
        self.leases.get(place).filter(|lease| now < lease.ends)
    }
}

impl Stream {
    /// Returns whether the id is new, and remembers it.
    pub(super) fn is_new(&mut self, id: &MessageId) -> bool {
        self.ids.insert(id.clone())
    }

    pub(super) fn knows(&self, id: &MessageId) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn append(&mut self, bytes: Bytes) {
        let stored = Stored {
            position: self.next,
            bytes,
            since: Instant::now(),
            flight: None,
            not_before: None,
            deliveries: 0,
        };
        self.next += 1;
        self.frames.push_back(stored);
        self.most = self.most.max(self.frames.len());
    }

    pub(super) fn frame(&mut self, position: u64) -> Option<&mut Stored> {
        self.frames.iter_mut().find(|frame| frame.position == position)
    }
}

impl Stored {
    /// Returns whether it can be delivered to `consumer`, of those that see each other's frames in flight.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.flight.is_none_or(|(_, until)| until <= now) && self.not_before.is_none_or(|time| time <= now)
    }

    pub(super) fn deliver(&mut self, consumer: u64, wait: Duration) {
        let now = Instant::now();
        self.flight = Some((consumer, now.checked_add(wait).unwrap_or(now)));
        self.deliveries += 1;
    }
}
