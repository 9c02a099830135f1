//! The tenant dispatcher: takes events from the tenants in turn, so that none starves the others.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;

use super::guard::guarded;
use super::tables::passed_markers::{PassedMarkers, Ticket};
use super::{DispatchWarning, Dispatcher, FairDispatcher, MarkedQueue, Marker, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;

/// The capacity of the queues of a [`TenantDispatcher`].
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, SubscriptionKey, TenantDispatcher, TenantQueues};
/// use stage_core::testing::Supply;
///
/// let queues = TenantQueues::new(100).each(2);
/// let mut supply = Supply::new(TenantDispatcher::new(queues, |event: &(char, u32)| event.0));
/// let worker = SubscriptionKey::new(0);
/// supply.subscribe(worker, DispatchOptions::new())?;
/// supply.ask(worker, 1);
/// supply.emit([('a', 1), ('a', 2), ('a', 3), ('b', 4)]);
/// supply.ask(worker, 10);
/// let sent: Vec<_> = supply.sent().into_iter().flat_map(|(_, events)| events).collect();
/// assert_eq!(sent.len() + supply.discarded(), 4);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantQueues {
    /// The limit over all tenants, at least 1. Events beyond it stay with the stage; none are discarded.
    pub together: usize,
    /// The limit per tenant. Events beyond it are discarded, counted and [reported](DispatchWarning::TenantFull), so
    /// that a flood from one tenant cannot take the room of all. A limit of `together` or more has no effect.
    pub each: usize,
}

impl TenantQueues {
    /// Returns queues for `together` events, without a limit per tenant.
    pub const fn new(together: usize) -> Self {
        let together = if together == 0 { 1 } else { together };
        Self { together, each: usize::MAX }
    }

    /// Discards events of a tenant while `each` of its events wait.
    pub const fn each(self, each: usize) -> Self {
        Self { each, ..self }
    }
}

/// Takes events in ahead of demand, up to a limit, queues them by tenant, and hands them out in turn, one
/// tenant after the other, to the subscriber with the fewest events outstanding (like [`FairDispatcher`]).
/// The events of a tenant keep their order.
///
/// An event in the queues waits for at most one round over the tenants per event of its own tenant before it,
/// however many events the others sent. Events beyond the limit stay in their original order, so make room
/// for what one tenant sends in one go.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{
///     Dispatcher, Outbox, DispatchOptions, SubscriptionKey, TenantDispatcher, TenantQueues,
/// };
///
/// let tenant = |event: &(char, u32)| event.0;
/// let mut dispatcher = TenantDispatcher::new(TenantQueues::new(100), tenant);
/// let mut outbox = Outbox::new();
/// let worker = SubscriptionKey::new(0);
/// dispatcher.subscribe(worker, DispatchOptions::new())?;
/// dispatcher.ask(worker, Demand::new(1).unwrap(), &mut outbox);
/// dispatcher.dispatch(&mut vec![('a', 1), ('a', 2), ('a', 3), ('b', 4)], &mut outbox);
/// dispatcher.ask(worker, Demand::new(2).unwrap(), &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(worker, vec![('a', 1), ('b', 4), ('a', 2)])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
pub struct TenantDispatcher<E, K, F> {
    key: F,
    bounds: TenantQueues,
    /// The queue of each tenant with events.
    tenants: HashMap<K, usize>,
    queues: Vec<TenantQueue<E, K>>,
    /// Unused queues.
    free: Vec<usize>,
    /// The queues with events, in the order of their turns.
    turns: VecDeque<usize>,
    kept: usize,
    /// Markers that wait for events in the queues.
    passed_markers: PassedMarkers,
    fair: FairDispatcher,
}

struct TenantQueue<E, K> {
    tenant: Option<K>,
    events: MarkedQueue<E, Ticket>,
}

impl<E, K, F> TenantDispatcher<E, K, F>
where
    K: Clone + Eq + Hash,
    F: FnMut(&E) -> K,
{
    /// Creates a dispatcher with queues within `bounds`; `key` returns the tenant of an event.
    pub fn new(bounds: TenantQueues, key: F) -> Self {
        let bounds = TenantQueues { together: bounds.together.max(1), each: bounds.each.max(1) };
        Self {
            key,
            bounds,
            tenants: HashMap::new(),
            queues: Vec::new(),
            free: Vec::new(),
            turns: VecDeque::new(),
            kept: 0,
            passed_markers: PassedMarkers::default(),
            fair: FairDispatcher::new(),
        }
    }

    /// Returns the queue for events of `tenant`.
    fn queue(&mut self, tenant: K) -> usize {
        if let Some(queue) = self.tenants.get(&tenant) {
            return *queue;
        }
        let queue = self.free.pop().unwrap_or_else(|| {
            self.queues.push(TenantQueue { tenant: None, events: MarkedQueue::new() });
            self.queues.len() - 1
        });
        self.queues[queue].tenant = Some(tenant.clone());
        self.tenants.insert(tenant, queue);
        self.turns.push_back(queue);
        queue
    }

    fn keep(&mut self, event: E, outbox: &mut Outbox<E>) {
        let tenant = match guarded(|| (self.key)(&event)) {
            Ok(tenant) => tenant,
            Err(panicked) => {
                outbox.discard(1);
                outbox.warn(DispatchWarning::Unroutable { events: 1, why: panicked.to_string() });
                return;
            }
        };
        let queue = self.queue(tenant);
        let events = &mut self.queues[queue].events;
        if events.len() >= self.bounds.each {
            outbox.discard(1);
            outbox.warn(DispatchWarning::TenantFull { events: 1 });
        } else {
            events.push(event);
            self.kept += 1;
        }
    }

    /// Hands out events while there are both demand and events.
    fn serve(&mut self, outbox: &mut Outbox<E>) {
        while let Some(&queue) = self.turns.front() {
            let Some(subscriber) = self.fair.next() else { return };
            self.turns.pop_front();
            let TenantQueue { tenant, events } = &mut self.queues[queue];
            if let Some(event) = events.pop() {
                outbox.push(subscriber, event);
                self.kept -= 1;
            }
            self.passed_markers.pass(events, outbox);
            if events.is_empty() {
                if let Some(tenant) = tenant.take() {
                    self.tenants.remove(&tenant);
                }
                self.free.push(queue);
            } else {
                self.turns.push_back(queue);
            }
        }
    }

    /// Returns the number of events that can be taken in: the unmet demand plus the free room.
    fn room(&self) -> usize {
        // Before the first ask, nothing is taken in ahead of demand.
        if self.fair.open() == 0 {
            return 0;
        }
        let credit = Dispatcher::<E>::wanted(&self.fair);
        credit.saturating_add(self.bounds.together).saturating_sub(self.kept)
    }
}

impl<E, K, F> Dispatcher<E> for TenantDispatcher<E, K, F>
where
    E: Send,
    K: Clone + Eq + Hash + Send,
    F: FnMut(&E) -> K + Send,
{
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        self.fair.subscribe(key, options)
    }

    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        self.fair.cancel(key, outbox);
        // There may be demand for the events that were just taken back.
        self.serve(outbox);
    }

    fn take_back(&mut self, _key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        // The last event is put back first, so that each tenant's queue begins with its oldest event.
        let (mut one, mut lost) = (Vec::with_capacity(1), 0);
        while let Some(event) = events.pop() {
            let Ok(tenant) = guarded(|| (self.key)(&event)) else {
                lost += 1;
                continue;
            };
            let queue = self.queue(tenant);
            one.push(event);
            self.queues[queue].events.put_back(&mut one);
            self.kept += 1;
        }
        lost
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        self.fair.ask(key, demand, outbox);
        self.serve(outbox);
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        // Events that are discarded leave the room unchanged.
        loop {
            let taken = events.len().min(self.room());
            if taken == 0 {
                return;
            }
            for event in events.drain(..taken) {
                self.keep(event, outbox);
            }
            self.serve(outbox);
        }
    }

    fn wanted(&self) -> usize {
        self.room()
    }

    fn kept(&self) -> usize {
        self.kept
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.passed_markers.hold_in(marker, self.queues.iter_mut().map(|queue| &mut queue.events))
    }

    fn discard(&mut self) -> usize {
        for queue in &mut self.queues {
            queue.events.clear();
        }
        std::mem::take(&mut self.kept)
    }

    /// Moves the events of the tenants in turn, in the order in which they would have been handed out.
    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        while let Some(queue) = self.turns.pop_front() {
            let TenantQueue { tenant, events } = &mut self.queues[queue];
            into.extend(events.pop());
            if !events.is_empty() {
                self.turns.push_back(queue);
                continue;
            }
            if let Some(tenant) = tenant.take() {
                self.tenants.remove(&tenant);
            }
            self.free.push(queue);
        }
        self.kept = 0;
        0
    }
}

impl<E, K, F> fmt::Debug for TenantDispatcher<E, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantDispatcher")
            .field("queues", &self.bounds)
            .field("tenants", &self.tenants.len())
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}
