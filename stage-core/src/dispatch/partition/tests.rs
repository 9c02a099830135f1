//! Tests for deliveries, backlogs and losses of partitions.

use std::sync::{Arc, Mutex};

use super::PartitionDispatcher;
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;
use crate::dispatch::{Dispatcher, Outbox, SubscriptionKey};

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
        self.dispatcher.subscribe(SubscriptionKey(partition), DispatchOptions::new().partition(partition))
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
fn a_partition_gets_its_demand_and_the_rest_is_left_over() {
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
    assert_eq!(unknown.to_string(), "partition 2 does not exist; there are 2 (0 to 1)");
    bench.join(0).unwrap();
    assert_eq!(
        bench.dispatcher.subscribe(SubscriptionKey(7), DispatchOptions::new().partition(0)),
        Err(SubscribeError::PartitionTaken { partition: 0.into() })
    );
    assert_eq!(
        bench.dispatcher.subscribe(SubscriptionKey(7), DispatchOptions::new()),
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

#[test]
fn numbered_events_reach_their_partitions_and_a_panic_costs_one_event() {
    let number = |event: &u32| match event {
        7 => panic!("no partition"),
        8 => None,
        9 => Some(5),
        event => Some(*event as usize % 2),
    };
    let panics = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&panics);
    let mut dispatcher = PartitionDispatcher::numbered(2, number)
        .unwrap()
        .on_panic(move |why| told.lock().unwrap().push(why.to_string()));
    let mut outbox = Outbox::new();
    for partition in [0, 1] {
        let (key, options) = (SubscriptionKey(partition), DispatchOptions::new().partition(partition));
        dispatcher.subscribe(key, options).unwrap();
        dispatcher.ask(key, Demand::new(4).unwrap(), &mut outbox);
    }
    let mut events = vec![1, 7, 2, 8, 9, 3];
    dispatcher.dispatch(&mut events, &mut outbox);
    let sent: Vec<_> = outbox.drain().map(|(to, events)| (to.0, events)).collect();
    assert_eq!((sent, events), (vec![(1, vec![1, 3]), (0, vec![2])], vec![]));
    assert_eq!(outbox.take_discarded(), 2);
    assert_eq!(Dispatcher::<u32>::wanted(&dispatcher), 5);
    let panics = panics.lock().unwrap();
    assert!(matches!(panics.as_slice(), [why] if why.contains("no partition")), "{panics:?}");
}

#[test]
fn events_without_a_size_are_grouped_too() {
    let mut dispatcher = PartitionDispatcher::numbered(2, |(): &()| Some(1)).unwrap();
    let (mut outbox, only) = (Outbox::new(), SubscriptionKey::new(0));
    dispatcher.subscribe(only, DispatchOptions::new().partition(1)).unwrap();
    dispatcher.ask(only, Demand::new(2).unwrap(), &mut outbox);
    dispatcher.dispatch(&mut vec![(); 3], &mut outbox);
    assert_eq!(outbox.drain().collect::<Vec<_>>(), [(only, vec![(); 2])]);
}
