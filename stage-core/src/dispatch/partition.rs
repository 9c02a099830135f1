//! Each event to the partition its key belongs to; one subscriber per partition.

use std::fmt;
use std::hash::Hash;

use super::guard::guarded;
use super::held::{Held, Ticket};
use super::slots::Slots;
use super::total::Total;
use super::{
    Dispatcher, MarkedQueue, Marker, Notice, Outbox, PartitionError, Partitions, SubscriptionKey, stable_hash,
};
use crate::demand::Demand;
use crate::error::SubscribeError;
use crate::subscriber::{PartitionName, SubscriberOptions};

/// Routes every event by a function of the event, keeps what its partition did not ask for yet, and
/// takes in no more than all partitions together asked for: so the backlogs are bounded (law D5), and a
/// partition that stands still holds the others up only then.
///
/// A subscriber says which partition it takes. The backlog of a partition whose subscriber left waits for
/// the next one. The function may rewrite the event, or drop it, which uses no demand; an event that it
/// routes to a partition that does not exist is discarded, counted and [noticed](Notice::UnknownPartition);
/// so is one for which the route panics.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{Dispatcher, Outbox, PartitionDispatcher, SubscriberOptions, SubscriptionKey};
///
/// let route = |event: u32| Some((event, if event % 2 == 0 { "even" } else { "odd" }));
/// let mut dispatcher = PartitionDispatcher::routed(["even", "odd"], route)?;
/// let mut outbox = Outbox::new();
/// let odd = SubscriptionKey::new(0);
/// dispatcher.subscribe(odd, SubscriberOptions::new().partition("odd"))?;
/// dispatcher.ask(odd, Demand::new(3).unwrap(), &mut outbox);
/// dispatcher.dispatch(&mut vec![1, 2, 3], &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(odd, vec![1, 3])]);
/// assert_eq!(dispatcher.kept(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PartitionDispatcher<E, F> {
    /// The event and its partition, or nothing for an event that shall be dropped.
    route: F,
    names: Partitions,
    partitions: Vec<Partition<E>>,
    /// The partition of each subscriber.
    places: Slots<usize>,
    /// What all subscribers asked for and did not get.
    credit: Total,
    /// What all partitions keep.
    backlog: usize,
    /// Partitions that have sorted events, in the order in which they got their first; empty between calls.
    touched: Vec<usize>,
    /// How many sorted events there are; none between calls.
    sorted: usize,
    /// Markers that backlogs are before.
    held: Held,
}

struct Partition<E> {
    subscriber: Option<SubscriptionKey>,
    credit: usize,
    backlog: MarkedQueue<E, Ticket>,
    /// Events of the batch that is being dispatched; empty between calls.
    sorted: Vec<E>,
    /// Its subscriber finished, so that its events can go nowhere.
    closed: bool,
}

impl<E: Hash> PartitionDispatcher<E, ()> {
    /// Routes each event by its [stable hash](stable_hash).
    ///
    /// # Errors
    ///
    /// [`PartitionError::None`] for zero partitions.
    #[allow(clippy::type_complexity, reason = "a closure has no shorter name")]
    pub fn hashed(
        partitions: usize,
    ) -> Result<PartitionDispatcher<E, impl FnMut(E) -> Option<(E, usize)> + Send>, PartitionError> {
        let route = move |event: E| {
            let partition = stable_hash(&event) % partitions as u64;
            // Below the number of partitions, which is a usize.
            Some((event, usize::try_from(partition).unwrap_or(0)))
        };
        PartitionDispatcher::routed(partitions, route)
    }
}

impl<E, F> PartitionDispatcher<E, F> {
    /// Routes each event, perhaps rewritten, to the partition that `route` names; `None` drops it.
    ///
    /// # Errors
    ///
    /// [`PartitionError`] if there are no partitions, or two of the same name.
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
        let partition = || Partition {
            subscriber: None,
            credit: 0,
            backlog: MarkedQueue::new(),
            sorted: Vec::new(),
            closed: false,
        };
        let partitions = std::iter::repeat_with(partition).take(names.count()).collect();
        Self {
            route,
            names,
            partitions,
            places: Slots::default(),
            credit: Total::default(),
            backlog: 0,
            touched: Vec::new(),
            sorted: 0,
            held: Held::default(),
        }
    }

    fn of(&mut self, key: SubscriptionKey) -> Option<&mut Partition<E>> {
        let place = self.places.get(key)?;
        self.partitions.get_mut(*place)
    }

    /// Puts events beside those of the same partition.
    fn sort<P>(&mut self, events: &mut std::vec::Drain<'_, E>, outbox: &mut Outbox<E>)
    where
        F: FnMut(E) -> Option<(E, P)>,
        P: Into<PartitionName>,
    {
        for event in events {
            let Some((event, name)) = (self.route)(event) else { continue };
            let name = name.into();
            let Some(place) = self.names.find(&name) else {
                outbox.discard(1);
                outbox.notice(Notice::UnknownPartition { partition: name, events: 1 });
                continue;
            };
            let sorted = &mut self.partitions[place].sorted;
            if sorted.is_empty() {
                *sorted = outbox.buffer();
                self.touched.push(place);
            }
            sorted.push(event);
            self.sorted += 1;
        }
    }

    /// Addresses sorted events to those who asked for them; the rest waits.
    fn hand_out(&mut self, outbox: &mut Outbox<E>) {
        self.sorted = 0;
        for place in self.touched.drain(..) {
            let partition = &mut self.partitions[place];
            let mut events = std::mem::take(&mut partition.sorted);
            if let Some(subscriber) = partition.subscriber {
                let served = partition.credit.min(events.len());
                partition.credit -= served;
                self.credit.less(served);
                if served > 0 {
                    outbox.send(subscriber, &mut events, served);
                }
            }
            if partition.closed {
                outbox.discard(events.len());
                events.clear();
            }
            self.backlog += events.len();
            events.drain(..).for_each(|event| partition.backlog.push(event));
            outbox.recycle(events);
        }
    }

    /// How many more events all partitions together can take.
    fn room(&self) -> usize {
        self.credit.get().saturating_sub(self.backlog)
    }

    /// Frees the place of `key`, whose credit is gone.
    fn leave(&mut self, key: SubscriptionKey) {
        let Some(partition) = self.of(key) else { return };
        partition.subscriber = None;
        let lost = std::mem::take(&mut partition.credit);
        self.credit.less(lost);
        self.places.remove(key);
    }
}

impl<E, F, P> Dispatcher<E> for PartitionDispatcher<E, F>
where
    E: Send,
    F: FnMut(E) -> Option<(E, P)> + Send,
    P: Into<PartitionName>,
{
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        let partition = options.partition.ok_or(SubscribeError::NoPartition)?;
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
        self.held.pass(&mut partition.backlog, outbox);
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
        let partition = &mut self.partitions[place];
        let served = partition.backlog.len().min(demand.get());
        let credit = demand.get() - served;
        self.credit.ask(&mut partition.credit, credit);
        if served > 0 {
            let mut message = outbox.buffer();
            message.extend(partition.backlog.drain(served));
            outbox.send_all(key, message);
            self.backlog -= served;
            self.held.pass(&mut partition.backlog, outbox);
        }
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        // Events that are dropped leave as much wanted as before.
        loop {
            let taken = events.len().min(self.room().saturating_sub(self.sorted));
            if taken == 0 {
                break;
            }
            let mut rest = events.drain(..taken);
            // A panic takes the event that it was about with it and no other: one guard is enough for many.
            while let Err(panicked) = guarded(|| self.sort(&mut rest, outbox)) {
                outbox.discard(1);
                outbox.notice(Notice::Unroutable { events: 1, why: panicked.to_string() });
            }
        }
        self.hand_out(outbox);
    }

    fn wanted(&self) -> usize {
        self.room()
    }

    fn kept(&self) -> usize {
        self.backlog
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        let backlogs = self.partitions.iter_mut().map(|partition| &mut partition.backlog);
        self.held.hold(marker, backlogs)
    }

    fn discard(&mut self) -> usize {
        for partition in &mut self.partitions {
            partition.backlog.clear();
        }
        std::mem::take(&mut self.backlog)
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

#[cfg(test)]
mod tests {
    use super::*;

    type Route = fn(u32) -> Option<(u32, usize)>;

    struct Bench {
        dispatcher: PartitionDispatcher<u32, Route>,
        outbox: Outbox<u32>,
    }

    impl Bench {
        fn new(partitions: usize, route: Route) -> Self {
            Self { dispatcher: PartitionDispatcher::new(partitions, route), outbox: Outbox::new() }
        }

        fn join(&mut self, partition: usize) -> Result<(), SubscribeError> {
            self.dispatcher
                .subscribe(SubscriptionKey(partition), SubscriberOptions::new().partition(partition))
        }

        fn ask(&mut self, partition: usize, asked: usize) -> Vec<u32> {
            self.dispatcher.ask(SubscriptionKey(partition), Demand::new(asked).unwrap(), &mut self.outbox);
            self.sent().pop().map(|(_, events)| events).unwrap_or_default()
        }

        fn sent(&mut self) -> Vec<(usize, Vec<u32>)> {
            let mut sent = Vec::new();
            self.outbox.swap(&mut sent);
            sent.into_iter().map(|delivery| (delivery.to.0, delivery.events)).collect()
        }

        fn emit(&mut self, events: &[u32]) -> (Vec<(usize, Vec<u32>)>, Vec<u32>) {
            let mut events = events.to_vec();
            self.dispatcher.dispatch(&mut events, &mut self.outbox);
            (self.sent(), events)
        }
    }

    const ALL_TO_ZERO: Route = |event| Some((event, 0));
    const BY_PARITY: Route = |event| Some((event, event as usize % 2));

    #[test]
    fn a_partition_gets_what_it_asked_for_and_the_rest_is_left_over() {
        let mut bench = Bench::new(1, ALL_TO_ZERO);
        bench.join(0).unwrap();
        bench.ask(0, 3);
        assert_eq!(bench.emit(&[1]), (vec![(0, vec![1])], vec![]));
        bench.ask(0, 3);
        assert_eq!(bench.emit(&[2, 3, 4, 5, 6, 9, 11]), (vec![(0, vec![2, 3, 4, 5, 6])], vec![9, 11]));
    }

    #[test]
    fn events_wait_for_the_subscriber_of_their_partition() {
        let mut bench = Bench::new(2, ALL_TO_ZERO);
        bench.join(1).unwrap();
        bench.ask(1, 5);
        assert_eq!(bench.emit(&[1, 2, 5, 6, 7]), (vec![], vec![]));
        assert_eq!(bench.emit(&[8, 9]), (vec![], vec![8, 9]));
        bench.join(0).unwrap();
        assert_eq!(bench.ask(0, 5), [1, 2, 5, 6, 7]);
        assert_eq!(Dispatcher::<u32>::wanted(&bench.dispatcher), 5);
    }

    #[test]
    fn a_backlog_survives_the_loss_of_its_subscriber() {
        let mut bench = Bench::new(2, ALL_TO_ZERO);
        bench.join(0).unwrap();
        bench.join(1).unwrap();
        bench.ask(0, 2);
        bench.ask(1, 5);
        assert_eq!(bench.emit(&[1, 2, 3, 4]), (vec![(0, vec![1, 2])], vec![]));
        bench.dispatcher.cancel(SubscriptionKey(0), &mut bench.outbox);
        bench.join(0).unwrap();
        assert_eq!(bench.ask(0, 5), [3, 4]);
    }

    #[test]
    fn events_that_come_back_are_the_first_of_the_next_subscriber() {
        let mut bench = Bench::new(1, ALL_TO_ZERO);
        bench.join(0).unwrap();
        bench.ask(0, 3);
        bench.emit(&[1, 2, 3]);
        bench.ask(0, 2);
        bench.emit(&[4, 5]);
        Dispatcher::<u32>::take_back(&mut bench.dispatcher, SubscriptionKey(0), &mut vec![2, 3, 4, 5]);
        bench.dispatcher.cancel(SubscriptionKey(0), &mut bench.outbox);
        bench.join(0).unwrap();
        assert_eq!(bench.ask(0, 3), [2, 3, 4]);
    }

    #[test]
    fn events_of_a_partition_whose_subscriber_finished_are_counted_as_discarded() {
        let mut bench = Bench::new(2, BY_PARITY);
        bench.join(0).unwrap();
        bench.join(1).unwrap();
        bench.ask(0, 1);
        bench.ask(1, 9);
        assert_eq!(bench.emit(&[2, 4, 6]), (vec![(0, vec![2])], vec![]));
        bench.dispatcher.finish(SubscriptionKey(0), &mut bench.outbox);
        assert_eq!(bench.emit(&[8, 1]), (vec![(1, vec![1])], vec![]));
        assert_eq!(bench.outbox.take_discarded(), 3);
    }

    #[test]
    fn each_partition_gets_one_message_in_order() {
        let mut bench = Bench::new(2, BY_PARITY);
        bench.join(0).unwrap();
        bench.join(1).unwrap();
        bench.ask(0, 10);
        bench.ask(1, 10);
        assert_eq!(bench.emit(&[1, 2, 3, 4]), (vec![(1, vec![1, 3]), (0, vec![2, 4])], vec![]));
    }

    #[test]
    fn dropped_events_use_no_demand() {
        let mut bench = Bench::new(1, |event| event.is_multiple_of(2).then_some((event, 0)));
        bench.join(0).unwrap();
        bench.ask(0, 2);
        assert_eq!(bench.emit(&[1, 2, 3, 4, 5]), (vec![(0, vec![2, 4])], vec![5]));
    }

    #[test]
    fn a_wrong_partition_is_an_error_of_the_subscriber() {
        let mut bench = Bench::new(2, ALL_TO_ZERO);
        let unknown = bench.join(2).unwrap_err();
        assert_eq!(unknown.to_string(), "partition 2 does not exist, there are 2 (0 to 1)");
        bench.join(0).unwrap();
        assert_eq!(
            bench.dispatcher.subscribe(SubscriptionKey(7), SubscriberOptions::new().partition(0)),
            Err(SubscribeError::PartitionTaken { partition: 0.into() })
        );
        assert_eq!(
            bench.dispatcher.subscribe(SubscriptionKey(7), SubscriberOptions::new()),
            Err(SubscribeError::NoPartition)
        );
    }

    #[test]
    fn an_event_routed_nowhere_is_counted_as_discarded() {
        let mut bench = Bench::new(1, |event| Some((event, 9)));
        bench.join(0).unwrap();
        bench.ask(0, 2);
        assert_eq!(bench.emit(&[1]), (vec![], vec![]));
        assert_eq!(bench.outbox.take_discarded(), 1);
    }
}
