//! Records the events that machines handle, and judges their order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stage_core::ack::{Delivery, Reason};
use stage_core::{Consumer, Context, Events, StageResult};
use stage_edge::memory::MemoryEdge;
use stage_edge::{MemberId, key_hash, partition_of};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// An event: the `number`th one of its key, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) key: u32,
    pub(crate) number: u32,
}

/// The events of all machines, in the order in which they were handled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<(Arc<str>, Event)>,
    distinct: BTreeSet<Event>,
    failed: BTreeSet<Event>,
    next: BTreeMap<u32, u32>,
    /// Violations of a law.
    faults: Vec<String>,
}

impl Records {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a machine has handled an event.
    pub(crate) fn add(&self, machine: &Arc<str>, event: Event) {
        let mut state = self.lock();
        let next = state.next.entry(event.key).or_default();
        if event.number > *next {
            let fault = format!("{event:?} was handled on {machine} before number {next}");
            state.faults.push(fault);
        } else if event.number == *next {
            *next += 1;
        }
        state.seen.push((Arc::clone(machine), event));
        state.distinct.insert(event);
        drop(state);
        self.inner.changed.notify_waiters();
    }

    /// Returns whether this is the first attempt at an event that is to fail once.
    fn fails(&self, event: Event) -> bool {
        self.lock().failed.insert(event)
    }

    pub(crate) fn fault(&self, fault: String) {
        self.lock().faults.push(fault);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    pub(crate) fn seen(&self) -> Vec<(Arc<str>, Event)> {
        self.lock().seen.clone()
    }

    /// Returns the number of different events.
    pub(crate) fn distinct(&self) -> usize {
        self.lock().distinct.len()
    }

    /// Waits until this number of different events were handled.
    pub(crate) async fn until(&self, distinct: usize) {
        loop {
            let mut changed = std::pin::pin!(self.inner.changed.notified());
            changed.as_mut().enable();
            if self.distinct() >= distinct {
                return;
            }
            changed.await;
        }
    }
}

/// A machine that may have crashed: its later actions do not count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(CancellationToken);

impl Life {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn end(&self) {
        self.0.cancel();
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.0.is_cancelled()
    }

    pub(crate) async fn ended(&self) {
        self.0.cancelled().await;
    }
}

/// The last step of a machine, which takes some time for each event.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) machine: Arc<str>,
    pub(crate) life: Life,
    pub(crate) records: Records,
    pub(crate) time: Duration,
    /// Each event of every key that this number divides fails once.
    pub(crate) fails: Option<u32>,
    /// The event that ends the machine.
    pub(crate) deadly: Option<Event>,
    /// Checks that the machine owns the partition of each event at its arrival.
    pub(crate) owner: Option<(MemoryEdge, u32)>,
}

impl Recorder {
    fn check(&self, event: Event) {
        let Some((edge, partitions)) = self.owner.as_ref().filter(|_| self.life.is_alive()) else { return };
        let partition =
            partition_of(key_hash(&postcard::to_stdvec(&event.key).expect("a number")), *partitions);
        let owner = edge.owner("orders", partition);
        if owner != Some(MemberId::new(&*self.machine)) {
            self.records
                .fault(format!("{event:?} was handed out on {}, its owner is {owner:?}", self.machine));
        }
    }
}

impl Consumer for Recorder {
    type Event = Delivery<Event>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Event>>,
        _: &mut Context<'_>,
    ) -> StageResult {
        for delivery in events {
            let event = *delivery.peek();
            self.check(event);
            let (_, token) = delivery.into_parts();
            if !self.time.is_zero() {
                sleep(self.time).await;
            }
            if self.deadly == Some(event) {
                self.life.end();
                std::future::pending::<()>().await;
            }
            let fails = self.fails.is_some_and(|divisor| event.key % divisor == 0);
            if token.is_rejected() {
                // As steps do with the rest of a frame of which an event has failed.
                token.acknowledge();
                continue;
            }
            if fails && self.life.is_alive() && self.records.fails(event) {
                token.reject(Reason::failed("once"));
                continue;
            }
            if self.life.is_alive() {
                self.records.add(&self.machine, event);
            }
            token.acknowledge();
        }
        Ok(())
    }
}
