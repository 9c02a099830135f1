//! The partition dispatcher: routes each event to its partition and keeps a backlog per partition.

use std::fmt;
use std::hash::Hash;

use super::deal::Deal;
use super::route::{Numbered, Route, ToldOfPanics};
use super::sorter::Sorter;
use crate::base::error::SubscribeError;
use crate::base::partition_name::PartitionName;
use crate::credit::demand::Demand;
use crate::dispatch::guard::guarded;
use crate::dispatch::options::DispatchOptions;
use crate::dispatch::tables::passed_markers::{PassedMarkers, Ticket};
use crate::dispatch::tables::slots::Slots;
use crate::dispatch::tables::total::Total;
use crate::dispatch::{
    DispatchWarning, Dispatcher, MarkedQueue, Marker, Outbox, PartitionError, Partitions, SubscriptionKey,
    stable_hash,
};

/// Routes every event by a function of the event, keeps events that their partition did not ask for yet, and
/// takes in no more than all partitions together asked for. The backlogs are thus bounded (law D5), and only
/// a full backlog of a stalled partition holds up the others.
///
/// A subscriber names the partition it takes. The backlog of a partition whose subscriber left waits for the
/// next one. The function may rewrite the event, or drop it, which uses no demand. An event routed to a
/// partition that does not exist, or for which the function panics, is discarded, counted and
/// [reported](DispatchWarning::UnknownPartition).
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{Dispatcher, Outbox, PartitionDispatcher, DispatchOptions, SubscriptionKey};
///
/// let route = |event: u32| Some((event, if event % 2 == 0 { "even" } else { "odd" }));
/// let mut dispatcher = PartitionDispatcher::routed(["even", "odd"], route)?;
/// let mut outbox = Outbox::new();
/// let odd = SubscriptionKey::new(0);
/// dispatcher.subscribe(odd, DispatchOptions::new().partition("odd"))?;
/// dispatcher.ask(odd, Demand::new(3).unwrap(), &mut outbox);
/// dispatcher.dispatch(&mut vec![1, 2, 3], &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(odd, vec![1, 3])]);
/// assert_eq!(dispatcher.kept(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PartitionDispatcher<E, F> {
    route: F,
    names: Partitions,
    partitions: Vec<Partition<E>>,
    /// The partition of each subscriber.
    places: Slots<usize>,
    /// The unmet demand of all subscribers.
    credit: Total,
    /// The number of events in all backlogs.
    backlog: usize,
    sorter: Sorter<E>,
    /// Markers that wait for events in the backlogs.
    passed_markers: PassedMarkers,
    /// How keys are dealt to the partitions, if their number changes.
    deal: Option<Deal>,
    /// Is called with each panic of `route`.
    pub(super) on_panic: Option<ToldOfPanics>,
}

struct Partition<E> {
    subscriber: Option<SubscriptionKey>,
    credit: usize,
    backlog: MarkedQueue<E, Ticket>,
    /// Whether its subscriber finished, so that its events cannot be delivered.
    closed: bool,
}

impl<E: Hash> PartitionDispatcher<E, ()> {
    /// Creates a dispatcher that routes each event by its [stable hash](stable_hash).
    ///
    /// ```
    /// use stage_core::dispatch::{DispatchOptions, PartitionDispatcher, SubscriptionKey, stable_hash};
    /// use stage_core::testing::Supply;
    ///
    /// let mut supply = Supply::new(PartitionDispatcher::hashed(2)?);
    /// for partition in 0..2 {
    ///     supply.subscribe(SubscriptionKey::new(partition), DispatchOptions::new().partition(partition))?;
    ///     supply.ask(SubscriptionKey::new(partition), 10);
    /// }
    /// supply.emit(0..10_u32);
    /// for (to, numbers) in supply.sent() {
    ///     assert!(numbers.iter().all(|number| stable_hash(number) % 2 == to.number() as u64));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PartitionError`] if there are no partitions, or more than 65,536.
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    pub fn hashed(
        partitions: usize,
    ) -> Result<PartitionDispatcher<E, impl FnMut(E) -> Option<(E, usize)> + Send>, PartitionError> {
        let route = move |event: E| {
            let partition = stable_hash(&event) % partitions as u64;
            // It is below the number of partitions, so it fits into a `usize`.
            Some((event, usize::try_from(partition).unwrap_or(0)))
        };
        PartitionDispatcher::routed(partitions, route)
    }
}

impl<E, F> PartitionDispatcher<E, Numbered<F>> {
    /// Creates a dispatcher that sends each event to the partition with the number that `number` returns;
    /// `None` drops the event. An event is moved once, so this takes less time than
    /// [`routed`](PartitionDispatcher::routed).
    ///
    /// ```
    /// use stage_core::Demand;
    /// use stage_core::dispatch::{DispatchOptions, Dispatcher, Outbox, PartitionDispatcher, SubscriptionKey};
    ///
    /// let mut dispatcher = PartitionDispatcher::numbered(2, |event: &usize| Some(event % 2))?;
    /// let mut outbox = Outbox::new();
    /// let odd = SubscriptionKey::new(0);
    /// dispatcher.subscribe(odd, DispatchOptions::new().partition(1))?;
    /// dispatcher.ask(odd, Demand::new(3).unwrap(), &mut outbox);
    /// dispatcher.dispatch(&mut vec![1, 2, 3], &mut outbox);
    /// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(odd, vec![1, 3])]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PartitionError`] if there are no partitions, or more than 65,536.
    pub fn numbered(partitions: usize, number: F) -> Result<Self, PartitionError>
    where
        F: FnMut(&E) -> Option<usize>,
    {
        let partitions = Partitions::from(partitions);
        partitions.check()?;
        Ok(Self::new(partitions, Numbered(number)))
    }
}

impl<E, F> PartitionDispatcher<E, F> {
    /// Creates a dispatcher that routes each event, possibly rewritten, to the partition that `route` names;
    /// `None` drops the event.
    ///
    /// # Errors
    ///
    /// [`PartitionError`] if there are no partitions, more than 65,536, or two with the same name.
    pub fn routed<P>(partitions: impl Into<Partitions>, route: F) -> Result<Self, PartitionError>
    where
        F: FnMut(E) -> Option<(E, P)>,
        P: Into<PartitionName>,
    {
        let partitions = partitions.into();
        partitions.check()?;
        Ok(Self::new(partitions, route))
    }

    pub(crate) fn new(partitions: impl Into<Partitions>, route: F) -> Self {
        let names = partitions.into();
        let partition =
            || Partition { subscriber: None, credit: 0, backlog: MarkedQueue::new(), closed: false };
        let count = names.count();
        Self {
            route,
            names,
            partitions: std::iter::repeat_with(partition).take(count).collect(),
            places: Slots::default(),
            credit: Total::default(),
            backlog: 0,
            sorter: Sorter::new(count),
            passed_markers: PassedMarkers::default(),
            deal: None,
            on_panic: None,
        }
    }

    /// Follows changes of the number of partitions in use, by which `route` deals too.
    pub(crate) fn dealt(mut self, deal: Deal) -> Self {
        self.deal = Some(deal);
        self
    }

    fn of(&mut self, key: SubscriptionKey) -> Option<&mut Partition<E>> {
        let place = self.places.get(key)?;
        self.partitions.get_mut(*place)
    }

    /// Addresses the sorted events to the subscribers that asked for them; the rest joins the backlogs.
    fn hand_out(&mut self, outbox: &mut Outbox<E>) {
        let Self { sorter, partitions, credit, backlog, .. } = self;
        sorter.take(|place, mut events| {
            let partition = &mut partitions[place];
            let served = partition.subscriber.map_or(0, |_| partition.credit.min(events.len()));
            // The events that are served stay where they are: their buffer is the message.
            if partition.closed {
                outbox.discard(events.len() - served);
                events.truncate(served);
            } else {
                *backlog += events.len() - served;
                partition.backlog.extend(events.drain(served..));
            }
            partition.credit -= served;
            credit.less(served);
            match partition.subscriber {
                Some(subscriber) => outbox.send_all(subscriber, events),
                None => outbox.recycle(events),
            }
        });
    }

    /// Returns the number of further events that all partitions together can take.
    fn room(&self) -> usize {
        self.credit.get().saturating_sub(self.backlog)
    }

    /// Frees the place of `key`, whose credit is lost.
    fn leave(&mut self, key: SubscriptionKey) {
        let Some(partition) = self.of(key) else { return };
        partition.subscriber = None;
        let lost = std::mem::take(&mut partition.credit);
        self.credit.less(lost);
        self.places.remove(key);
    }
}

impl<E, F: Route<E>> PartitionDispatcher<E, F> {
    /// Groups events by partition. A panic destroys only the event being routed, so one guard per batch is enough.
    fn sort_all(&mut self, events: &mut std::vec::Drain<'_, E>, outbox: &mut Outbox<E>) {
        let Self { route, names, sorter, on_panic, .. } = self;
        while let Err(panicked) = guarded(|| route.sort(names, events, sorter, outbox)) {
            F::skip(events);
            outbox.discard(1);
            if let Some(told) = on_panic {
                told(&panicked);
            }
            outbox.warn(DispatchWarning::Unroutable { events: 1, why: panicked.to_string() });
        }
    }

    /// Moves the events in the backlogs to the partitions that their keys belong to now. No key was in two of them, so
    /// the events of each stay in order.
    #[cold]
    fn deal_again(&mut self, outbox: &mut Outbox<E>) {
        if let Some(deal) = &mut self.deal {
            deal.is_due = false;
        }
        let mut events = Vec::with_capacity(self.backlog);
        for partition in &mut self.partitions {
            partition.backlog.take_all(&mut events);
            while partition.backlog.passed().is_some() {}
        }
        self.sort_all(&mut events.drain(..), outbox);
        let Self { sorter, partitions, backlog, .. } = self;
        *backlog = 0;
        sorter.take(|place, mut events| {
            *backlog += events.len();
            partitions[place].backlog.extend(events.drain(..));
            outbox.recycle(events);
        });
        let mut backlogs: Vec<_> =
            self.partitions.iter_mut().map(|partition| &mut partition.backlog).collect();
        self.passed_markers.hold_again(&mut backlogs, outbox);
    }
}

impl<E: Send, F: Route<E>> Dispatcher<E> for PartitionDispatcher<E, F> {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        let partition = options.partition.ok_or(SubscribeError::NoPartition)?;
        if let Some(deal) = self.deal.as_mut().filter(|deal| deal.is_stale()) {
            // Unread events of a former subscriber return to the partition that they were dealt to.
            if self.places.first().is_some() {
                return Err(SubscribeError::PartitionTaken { partition });
            }
            deal.follow();
        }
        let Some(place) = self.names.find(&partition) else {
            return Err(SubscribeError::UnknownPartition { partition, partitions: self.names.to_string() });
        };
        let taken = &mut self.partitions[place].subscriber;
        if taken.is_some() {
            return Err(SubscribeError::PartitionTaken { partition });
        }
        *taken = Some(key);
        self.places.insert(key, place);
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        self.leave(key);
    }

    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        let Some(place) = self.places.get(key).copied() else { return };
        let partition = &mut self.partitions[place];
        partition.closed = true;
        let left = partition.backlog.clear();
        self.backlog -= left;
        outbox.discard(left);
        self.passed_markers.pass(&mut partition.backlog, outbox);
        self.leave(key);
    }

    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        let back = events.len();
        if let Some(partition) = self.of(key) {
            partition.backlog.put_back(events);
            self.backlog += back;
        }
        0
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        let Some(place) = self.places.get(key).copied() else { return };
        if self.deal.as_ref().is_some_and(|deal| deal.is_due) {
            self.deal_again(outbox);
        }
        let partition = &mut self.partitions[place];
        let served = partition.backlog.len().min(demand.get());
        let credit = demand.get() - served;
        self.credit.ask(&mut partition.credit, credit);
        if served > 0 {
            let message = partition.backlog.take(served, outbox.buffer());
            outbox.send_all(key, message);
            self.backlog -= served;
            self.passed_markers.pass(&mut partition.backlog, outbox);
        }
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        // Events that the route drops leave the demand unchanged.
        loop {
            let taken = events.len().min(self.room().saturating_sub(self.sorter.count()));
            if taken == 0 {
                break;
            }
            self.sort_all(&mut events.drain(..taken), outbox);
        }
        self.hand_out(outbox);
    }

    fn wanted(&self) -> usize {
        self.room()
    }

    fn kept(&self) -> usize {
        self.backlog
    }

    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.places.get(key).is_some_and(|place| !self.partitions[*place].backlog.is_empty())
    }

    fn spreads(&self) -> bool {
        true
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let backlogs = self.partitions.iter_mut().map(|partition| &mut partition.backlog);
        self.passed_markers.hold_in(marker, backlogs)
    }

    fn discard(&mut self) -> usize {
        for partition in &mut self.partitions {
            partition.backlog.clear();
        }
        std::mem::take(&mut self.backlog)
    }

    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        self.partitions.iter_mut().for_each(|partition| partition.backlog.take_all(into));
        self.backlog = 0;
        0
    }
}

impl<E, F> fmt::Debug for PartitionDispatcher<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionDispatcher")
            .field("partitions", &self.names)
            .field("credit", &self.credit)
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}
