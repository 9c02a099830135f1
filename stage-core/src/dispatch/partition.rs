//! Each event to the partition its key belongs to; one subscriber per partition.

use std::collections::VecDeque;

use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::demand::Demand;
use crate::error::SubscribeError;
use crate::subscriber::{PartitionName, SubscriberOptions};

/// Routes every event by a function of the event, keeps what its partition did not ask for yet, and
/// takes in no more than all partitions together asked for: so the backlogs are bounded (law D5), and a
/// partition that stands still holds the others up only then.
///
/// The backlog of a partition whose subscriber left waits for the next one.
#[derive(Debug)]
pub(crate) struct PartitionDispatcher<E, F> {
    /// The event and its partition, or nothing for an event that shall be dropped.
    route: F,
    partitions: Vec<Partition<E>>,
    /// What all subscribers asked for and did not get.
    credit: usize,
    /// What all partitions keep.
    backlog: usize,
}

#[derive(Debug)]
struct Partition<E> {
    subscriber: Option<SubscriptionKey>,
    credit: usize,
    backlog: VecDeque<E>,
    /// Events of the dispatch under way that the subscriber asked for.
    outgoing: Vec<E>,
    /// Its subscriber finished, so that its events can go nowhere.
    closed: bool,
}

impl<E, F: FnMut(E) -> Option<(E, usize)>> PartitionDispatcher<E, F> {
    pub(crate) fn new(partitions: usize, route: F) -> Self {
        let partition = || Partition {
            subscriber: None,
            credit: 0,
            backlog: VecDeque::new(),
            outgoing: Vec::new(),
            closed: false,
        };
        Self {
            route,
            partitions: std::iter::repeat_with(partition).take(partitions).collect(),
            credit: 0,
            backlog: 0,
        }
    }

    fn of(&mut self, key: SubscriptionKey) -> Option<&mut Partition<E>> {
        self.partitions.iter_mut().find(|partition| partition.subscriber == Some(key))
    }

    /// Puts one event where it belongs.
    fn place(&mut self, event: E, partition: usize, outbox: &mut Outbox<E>) {
        let Some(partition) = self.partitions.get_mut(partition).filter(|partition| !partition.closed) else {
            outbox.discard(1);
            return;
        };
        if partition.credit > 0 {
            partition.credit -= 1;
            self.credit -= 1;
            if partition.outgoing.capacity() == 0 {
                partition.outgoing = outbox.buffer();
            }
            partition.outgoing.push(event);
        } else {
            partition.backlog.push_back(event);
            self.backlog += 1;
        }
    }

    /// Addresses what the dispatch collected, one message per partition.
    fn hand_over(&mut self, outbox: &mut Outbox<E>) {
        for partition in &mut self.partitions {
            let Some(subscriber) = partition.subscriber else { continue };
            if !partition.outgoing.is_empty() {
                outbox.send_all(subscriber, std::mem::take(&mut partition.outgoing));
            }
        }
    }
}

impl<E, F> Dispatcher<E> for PartitionDispatcher<E, F>
where
    E: Send,
    F: FnMut(E) -> Option<(E, usize)> + Send,
{
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        let partitions = self.partitions.len();
        let partition = options.partition.ok_or(SubscribeError::NoPartition)?;
        let number = match &partition {
            PartitionName::Number(number) => Some(*number),
            PartitionName::Name(_) => None,
        };
        let Some(place) = number.and_then(|number| self.partitions.get_mut(number)) else {
            return Err(SubscribeError::UnknownPartition { partition, partitions });
        };
        if place.subscriber.is_some() {
            return Err(SubscribeError::PartitionTaken { partition });
        }
        place.subscriber = Some(key);
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey) {
        let Some(partition) = self.of(key) else { return };
        partition.subscriber = None;
        let lost = std::mem::take(&mut partition.credit);
        self.credit -= lost;
    }

    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) {
        let Some(partition) = self.of(key) else { return };
        let back = events.len();
        for event in events.drain(..).rev() {
            partition.backlog.push_front(event);
        }
        self.backlog += back;
    }

    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        let Some(partition) = self.of(key) else { return };
        partition.closed = true;
        let left = partition.backlog.drain(..).count();
        self.backlog -= left;
        outbox.discard(left);
        self.cancel(key);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        let Some(partition) = self.of(key) else { return };
        let served = partition.backlog.len().min(demand.get());
        let credit = demand.get() - served;
        partition.credit += credit;
        if served > 0 {
            let mut message = outbox.buffer();
            message.extend(partition.backlog.drain(..served));
            outbox.send_all(key, message);
        }
        self.credit += credit;
        self.backlog -= served;
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        loop {
            let taken = events.len().min(Dispatcher::<E>::wanted(self));
            if taken == 0 {
                break;
            }
            for event in events.drain(..taken) {
                if let Some((event, partition)) = (self.route)(event) {
                    self.place(event, partition, outbox);
                }
            }
        }
        self.hand_over(outbox);
    }

    fn wanted(&self) -> usize {
        self.credit.saturating_sub(self.backlog)
    }

    fn kept(&self) -> usize {
        self.backlog
    }

    fn discard(&mut self) -> usize {
        for partition in &mut self.partitions {
            partition.backlog.clear();
        }
        std::mem::take(&mut self.backlog)
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
        Dispatcher::<u32>::cancel(&mut bench.dispatcher, SubscriptionKey(0));
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
        bench.dispatcher.take_back(SubscriptionKey(0), &mut vec![2, 3, 4, 5]);
        Dispatcher::<u32>::cancel(&mut bench.dispatcher, SubscriptionKey(0));
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
        assert_eq!(bench.emit(&[1, 2, 3, 4]), (vec![(0, vec![2, 4]), (1, vec![1, 3])], vec![]));
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
