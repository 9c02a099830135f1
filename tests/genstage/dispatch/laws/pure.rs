//! Dispatchers alone: the demand they take in (D3), and the events they keep (D5).

use proptest::prelude::*;
use stage_core::Demand;
use stage_core::dispatch::{
    BroadcastDispatcher, DemandDispatcher, DispatchOptions, Dispatcher, FairDispatcher, GroupDispatcher,
    Outbox, PartitionDispatcher, SubscriberGroup, SubscriptionKey, TenantDispatcher, TenantQueues,
    WeightedDispatcher,
};

use super::history::{KEYS, Step, histories, settings};

fn check(mut dispatcher: impl Dispatcher<u32>, bound: usize, history: &[Step]) {
    let mut outbox = Outbox::new();
    let mut credit: [Option<usize>; KEYS] = [None; KEYS];
    let mut next = 0;
    for step in history {
        match *step {
            Step::Join(key) if credit[key].is_none() => {
                let options = DispatchOptions::new().partition(key);
                dispatcher.subscribe(SubscriptionKey::new(key), options).expect("a free place");
                credit[key] = Some(0);
            }
            Step::Ask(key, events) => {
                let Some(credit) = &mut credit[key] else { continue };
                *credit += events;
                dispatcher.ask(
                    SubscriptionKey::new(key),
                    Demand::new(events).expect("more than nothing"),
                    &mut outbox,
                );
            }
            Step::Emit(count) => {
                let (wanted, kept) = (dispatcher.wanted(), dispatcher.kept());
                let together: usize = credit.iter().flatten().sum();
                let end = next + u32::try_from(count).expect("a small number");
                let mut events: Vec<_> = (next..end).collect();
                dispatcher.dispatch(&mut events, &mut outbox);
                assert!(count - events.len() >= wanted.min(count), "D3: takes in what it wanted");
                let left = end - u32::try_from(events.len()).expect("a small number");
                assert_eq!(events, (left..end).collect::<Vec<_>>(), "D3: from the front");
                assert!(dispatcher.kept() <= kept.max(together + bound), "D5");
                next = end;
            }
            Step::Leave(key, _) if credit[key].take().is_some() => {
                dispatcher.cancel(SubscriptionKey::new(key), &mut outbox);
            }
            Step::Join(_) | Step::Leave(..) | Step::EmitOutstanding | Step::Mark => {}
        }
        for (key, events) in outbox.drain() {
            let credit = credit[key.number()].as_mut().expect("D4");
            assert!(events.len() <= *credit, "D1");
            *credit -= events.len();
        }
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn demand_alone(history in histories()) {
        check(DemandDispatcher::new(), 0, &history);
    }

    #[test]
    fn broadcast_alone(history in histories()) {
        check(BroadcastDispatcher::new(), 0, &history);
    }

    #[test]
    fn every_group_alone(history in histories()) {
        let even = SubscriberGroup::new(1, DemandDispatcher::new()).selector(|event| event % 2 == 0);
        let groups = [SubscriberGroup::new(2, DemandDispatcher::new()), even, SubscriberGroup::new(1, FairDispatcher::new())];
        check(GroupDispatcher::every(groups), 0, &history);
    }

    #[test]
    fn one_group_alone(history in histories()) {
        let groups = [SubscriberGroup::new(3, DemandDispatcher::new()), SubscriberGroup::new(1, FairDispatcher::new())];
        check(GroupDispatcher::one(groups, |event| *event as usize % 2), 0, &history);
    }

    #[test]
    fn partition_alone(history in histories()) {
        let route = |event: u32| (event % 7 != 3).then_some((event, event as usize % KEYS));
        check(PartitionDispatcher::routed(KEYS, route).expect("some partitions"), 0, &history);
    }

    #[test]
    fn fair_alone(history in histories()) {
        check(FairDispatcher::new(), 0, &history);
    }

    #[test]
    fn tenant_alone(history in histories(), together in 1..20_usize, each in 1..5_usize) {
        let queues = TenantQueues::new(together).each(each);
        check(TenantDispatcher::new(queues, |event: &u32| event % 3), together, &history);
    }

    #[test]
    fn weighted_alone(history in histories()) {
        check(WeightedDispatcher::new(), 0, &history);
    }
}
