//! The group dispatcher: sends each event to every group of subscribers, or to one; each group has its own
//! dispatcher.

use super::guard::guarded;
use super::members::Members;
use super::tables::passed_markers::PassedMarkers;
use super::tables::slots::Slots;
use super::{DispatchWarning, Dispatcher, Marker, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::{DispatchOptions, Selector};

/// Serves groups of subscribers, such as the copies of the first step of each branch. Within each group, the
/// group's own dispatcher decides.
///
/// [`every`](Self::every) sends each event to every group, or to those whose selector accepts it; the demand
/// is the minimum over the groups, so the slowest one sets the pace. [`one`](Self::one) sends each event to
/// one group; the demand is the sum over the groups, less the events queued for groups without demand (law
/// D5).
///
/// Unlike the subscribers of a [broadcast](super::BroadcastDispatcher), groups exist from beginning to end:
/// while a group has lost its subscribers, its events wait for the next ones, and the other groups wait as
/// well. A group whose subscribers have all finished receives nothing more, and no group waits for it.
///
/// Subscribers are numbered across all groups; the partition in their [options](DispatchOptions::partition)
/// is that number.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{
///     DemandDispatcher, Dispatcher, SubscriberGroup, GroupDispatcher, Outbox, DispatchOptions, SubscriptionKey,
/// };
///
/// // Two subscribers share everything, a third gets what is even.
/// let shared = SubscriberGroup::new(2, DemandDispatcher::new());
/// let even = SubscriberGroup::new(1, DemandDispatcher::new()).selector(|event: &u32| event % 2 == 0);
/// let mut dispatcher = GroupDispatcher::every([shared, even]);
/// let mut outbox = Outbox::new();
/// for number in 0..3 {
///     let key = SubscriptionKey::new(number);
///     dispatcher.subscribe(key, DispatchOptions::new().partition(number))?;
///     dispatcher.ask(key, Demand::new(2).unwrap(), &mut outbox);
/// }
/// dispatcher.dispatch(&mut vec![1, 2, 3, 4], &mut outbox);
/// let sent: Vec<_> = outbox.drain().map(|(key, events)| (key.number(), events)).collect();
/// assert_eq!(sent, [(0, vec![1, 2]), (2, vec![2]), (1, vec![3]), (1, vec![4]), (2, vec![4])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
///
/// With [`one`](Self::one), each event goes to the group whose number a function returns:
///
/// ```
/// use stage_core::dispatch::{
///     DemandDispatcher, DispatchOptions, FairDispatcher, GroupDispatcher, SubscriberGroup, SubscriptionKey,
/// };
/// use stage_core::testing::Supply;
///
/// let short = SubscriberGroup::new(1, DemandDispatcher::new());
/// let long = SubscriberGroup::new(2, FairDispatcher::new());
/// let dispatcher = GroupDispatcher::one([short, long], |word: &&str| usize::from(word.len() > 4));
/// let mut supply = Supply::new(dispatcher);
/// for number in 0..3 {
///     supply.subscribe(SubscriptionKey::new(number), DispatchOptions::new().partition(number))?;
///     supply.ask(SubscriptionKey::new(number), 1);
/// }
/// supply.emit(["give", "receive", "reject"]);
/// let sent: Vec<_> = supply.sent().into_iter().map(|(key, words)| (key.number(), words)).collect();
/// assert_eq!(sent, [(0, vec!["give"]), (1, vec!["receive"]), (2, vec!["reject"])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
pub struct GroupDispatcher<E> {
    rule: Rule<E>,
    groups: Vec<Members<E>>,
    /// The group of each subscriber.
    places: Slots<usize>,
    passed: PassedMarkers,
    /// Events taken in for each group; empty between calls.
    scratch: Vec<Vec<E>>,
}

/// A group of subscribers, and the dispatcher that decides between them.
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, FairDispatcher, GroupDispatcher, SubscriberGroup, SubscriptionKey};
/// use stage_core::testing::Supply;
///
/// let large = SubscriberGroup::new(1, FairDispatcher::new()).selector(|event: &u32| *event > 100);
/// let mut supply = Supply::new(GroupDispatcher::every([large]));
/// let subscriber = SubscriptionKey::new(0);
/// supply.subscribe(subscriber, DispatchOptions::new().partition(0))?;
/// supply.ask(subscriber, 5);
/// supply.emit([5, 500, 50]);
/// assert_eq!(supply.sent(), [(subscriber, vec![500])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
pub struct SubscriberGroup<E> {
    pub(super) size: usize,
    pub(super) selector: Option<Selector<E>>,
    pub(super) dispatcher: Box<dyn Dispatcher<E>>,
}

/// The groups that an event goes to.
enum Rule<E> {
    /// Every group; events are cloned for all but the last.
    Every(Copying<E>),
    /// The group with the returned number.
    One(Box<dyn FnMut(&E) -> usize + Send>),
}

/// How an event is copied to every group.
struct Copying<E> {
    clone: fn(&E) -> E,
    /// Disposes of an event that the last group does not select.
    leave: fn(E),
}

impl<E> Copy for Copying<E> {}

impl<E> Clone for Copying<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> SubscriberGroup<E> {
    /// Creates a group of `size` subscribers, which `dispatcher` knows by the numbers from 0.
    pub fn new(size: usize, dispatcher: impl Dispatcher<E> + 'static) -> Self {
        Self { size, selector: None, dispatcher: Box::new(dispatcher) }
    }

    /// Accepts only the events for which `selects` returns true; the others use none of the group's demand.
    /// An event for which `selects` panics is not selected, which causes a [warning](DispatchWarning::Unroutable).
    pub fn selector(mut self, selects: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.selector = Some(Selector::new(selects));
        self
    }
}

impl<E: Send> GroupDispatcher<E> {
    /// Creates a dispatcher that sends every event to every group.
    pub fn every(groups: impl IntoIterator<Item = SubscriberGroup<E>>) -> Self
    where
        E: Clone,
    {
        Self::every_leaving(groups, drop)
    }

    /// Creates a dispatcher that sends every event to every group, for events that track their holders.
    /// Dropping such an event has a meaning, so `leave` disposes of those that the last group does not
    /// select.
    pub(crate) fn every_leaving(groups: impl IntoIterator<Item = SubscriberGroup<E>>, leave: fn(E)) -> Self
    where
        E: Clone,
    {
        Self::new(Rule::Every(Copying { clone: E::clone, leave }), groups)
    }

    /// Creates a dispatcher that sends every event to the group whose number, from 0, `route` returns. An
    /// event whose number is too large, or for which `route` panics, is discarded, counted and reported as a
    /// warning.
    pub fn one(
        groups: impl IntoIterator<Item = SubscriberGroup<E>>,
        route: impl FnMut(&E) -> usize + Send + 'static,
    ) -> Self {
        Self::new(Rule::One(Box::new(route)), groups)
    }

    fn new(rule: Rule<E>, groups: impl IntoIterator<Item = SubscriberGroup<E>>) -> Self {
        let mut first = 0;
        let groups: Vec<_> = groups
            .into_iter()
            .map(|group| {
                let members = Members::new(first, group);
                first = members.end();
                members
            })
            .collect();
        let scratch = groups.iter().map(|_| Vec::new()).collect();
        Self { rule, groups, places: Slots::default(), passed: PassedMarkers::default(), scratch }
    }

    fn of(&mut self, key: SubscriptionKey) -> Option<(&mut Members<E>, &mut PassedMarkers)> {
        let place = self.places.get(key)?;
        Some((self.groups.get_mut(*place)?, &mut self.passed))
    }

    /// Copies the first `count` of `events` into the scratch buffer of every open group.
    fn copy(&mut self, how: Copying<E>, events: &mut Vec<E>, count: usize, outbox: &mut Outbox<E>) {
        let Some(last) = self.groups.iter().rposition(Members::is_open) else { return };
        for (group, into) in self.groups[..last].iter().zip(&mut self.scratch) {
            if !group.is_open() {
                continue;
            }
            for event in &events[..count] {
                match group.selects(event, outbox) {
                    Some(true) => into.push((how.clone)(event)),
                    Some(false) => {}
                    // Dropping the copy tells an event that tracks its holders that it failed here.
                    None => drop((how.clone)(event)),
                }
            }
        }
        let (group, into) = (&self.groups[last], &mut self.scratch[last]);
        if count == events.len() && !group.has_selector() {
            std::mem::swap(into, events);
            return;
        }
        for event in events.drain(..count) {
            match group.selects(&event, outbox) {
                Some(true) => into.push(event),
                Some(false) => (how.leave)(event),
                None => drop(event),
            }
        }
    }

    /// Moves each of the first `count` of `events` into the scratch buffer of its group.
    fn route(&mut self, events: &mut Vec<E>, count: usize, outbox: &mut Outbox<E>) {
        let Rule::One(route) = &mut self.rule else { return };
        for event in events.drain(..count) {
            match guarded(|| route(&event)) {
                Ok(number) if self.groups.get(number).is_some_and(Members::is_open) => {
                    self.scratch[number].push(event);
                }
                Ok(number) if number < self.groups.len() => outbox.discard(1),
                Ok(number) => {
                    outbox.discard(1);
                    outbox.warn(DispatchWarning::UnknownPartition { partition: number.into(), events: 1 });
                }
                Err(panicked) => {
                    outbox.discard(1);
                    outbox.warn(DispatchWarning::Unroutable { events: 1, why: panicked.to_string() });
                }
            }
        }
    }

    /// Hands the scratch buffers over to the groups.
    fn hand_over(&mut self, outbox: &mut Outbox<E>) {
        for (group, events) in self.groups.iter_mut().zip(&mut self.scratch) {
            if !events.is_empty() {
                group.give(events, &mut self.passed, outbox);
            }
        }
    }
}

impl<E: Send> Dispatcher<E> for GroupDispatcher<E> {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        use crate::base::partition_name::PartitionName;
        let all = self.groups.last().map_or(0, Members::end);
        let number = match options.partition.clone().ok_or(SubscribeError::NoPartition)? {
            PartitionName::Number(number) if number < all => number,
            partition => {
                let partitions = format!("{all} subscribers");
                return Err(SubscribeError::UnknownPartition { partition, partitions });
            }
        };
        let place = self.groups.partition_point(|group| group.end() <= number);
        self.groups[place].subscribe(key, number, options)?;
        self.places.insert(key, place);
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        if let Some((group, passed)) = self.of(key) {
            group.cancel(key, passed, outbox);
        }
        self.places.remove(key);
    }

    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        if let Some((group, passed)) = self.of(key) {
            group.finish(key, passed, outbox);
        }
        self.places.remove(key);
    }

    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        self.of(key).map_or(0, |(group, _)| group.take_back(key, events))
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        if let Some((group, passed)) = self.of(key) {
            group.ask(key, demand, passed, outbox);
        }
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        // Events that a selector rejects, or that no group takes, leave the demand unchanged.
        loop {
            let count = events.len().min(self.wanted());
            if count == 0 {
                return;
            }
            match &self.rule {
                Rule::Every(how) => self.copy(*how, events, count, outbox),
                Rule::One(_) => self.route(events, count, outbox),
            }
            self.hand_over(outbox);
        }
    }

    fn gives_to_all(&self) -> bool {
        matches!(self.rule, Rule::Every(_))
    }

    fn wanted(&self) -> usize {
        let open = self.groups.iter().filter(|group| group.is_open());
        match self.rule {
            Rule::Every(_) => open.map(Members::wanted).min().unwrap_or(0),
            Rule::One(_) => {
                let (wanted, queued) = open.fold((0_usize, 0_usize), |(wanted, queued), group| {
                    (wanted.saturating_add(group.wanted()), queued + group.queued())
                });
                wanted.saturating_sub(queued)
            }
        }
    }

    fn kept(&self) -> usize {
        self.groups.iter().map(Members::kept).sum()
    }

    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.places.get(key).is_some_and(|place| self.groups[*place].kept() > 0)
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let Self { groups, passed, .. } = self;
        passed
            .hold(marker, |ticket| groups.iter_mut().map(|group| usize::from(group.is_before(ticket))).sum())
    }

    fn discard(&mut self) -> usize {
        self.groups.iter_mut().map(Members::discard).sum()
    }

    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        match self.rule {
            // Other groups may have received their copies already.
            Rule::Every(_) => self.discard(),
            Rule::One(_) => self.groups.iter_mut().map(|group| group.take_kept(into)).sum(),
        }
    }
}

impl<E> std::fmt::Debug for GroupDispatcher<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupDispatcher").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl<E> std::fmt::Debug for SubscriberGroup<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriberGroup").field("size", &self.size).finish_non_exhaustive()
    }
}
