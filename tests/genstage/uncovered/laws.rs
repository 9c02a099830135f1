//! Random histories of whole stages in random interleavings, against the invariants: asks ≥ deliveries and
//! first in, first out for each subscription, and no event lost or sent twice.

use proptest::prelude::*;
use stage_core::ExitReason;
use stage_core::dispatch::{
    BroadcastDispatcher, DemandDispatcher, Dispatcher, FairDispatcher, PartitionDispatcher,
    WeightedDispatcher,
};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::stage::{FromIter, Pace};
use stage_core::testing::Sim;

use super::world::{Peers, Step, World, steps};
use crate::support::{
    Book, ask, assert_reason, bare, counter, probe, repeater, soon, temporary, told, window,
};

/// Checks that every subscription got at most its demand, in order, and that together they got everything
/// once.
async fn nothing_is_lost_or_doubled(mut world: World, steps: Vec<Step>) -> Result<(), TestCaseError> {
    // Events that a leaving peer has not handled go to another peer, after the events that it already got.
    let all_stay =
        !steps.iter().any(|step| matches!(step, Step::Leave(_) | Step::Cancel(_) | Step::Abort(_)));
    world.live(steps).await;
    let mut all = Vec::new();
    for (subscription, events) in world.delivered().await {
        prop_assert!(events.len() <= world.asked_by(&subscription), "asks ≥ deliveries");
        prop_assert!(!all_stay || events.is_sorted(), "first in, first out: {events:?}");
        all.extend(events);
    }
    all.extend(world.rest().await);
    all.sort_unstable();
    prop_assert!(all.into_iter().eq(0..world.emitted));
    Ok(())
}

/// Returns a dispatcher that gives an event to one subscriber.
fn dispatcher(number: u32) -> Box<dyn Dispatcher<u64>> {
    let by_number = |event: u64| Some((event, usize::try_from(event % 3).unwrap()));
    match number {
        0 => Box::new(DemandDispatcher::new()),
        1 => Box::new(FairDispatcher::new()),
        2 => Box::new(WeightedDispatcher::new()),
        _ => Box::new(PartitionDispatcher::routed(3, by_number).unwrap()),
    }
}

fn peers() -> impl Strategy<Value = Peers> {
    prop_oneof![Just(Peers::AskByHand), Just(Peers::AreAskedFor)]
}

fn max_and_min() -> impl Strategy<Value = (usize, usize)> {
    (1..30_usize).prop_flat_map(|max| (Just(max), 0..max))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uncovered_14_no_event_is_lost_or_sent_twice_and_no_subscription_gets_more_than_it_asked_for(
        seed: u64,
        steps in steps(),
        peers in peers(),
        number in 0..4_u32,
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options.dispatcher(dispatcher(number))).await;
            let served = told.producer();
            nothing_is_lost_or_doubled(World::new(book, told, served, peers).await, steps).await
        })?;
    }

    #[test]
    fn uncovered_14_nor_is_any_behind_steps(
        seed: u64,
        steps in steps(),
        peers in peers(),
        windows in prop::collection::vec(max_and_min(), 1..4),
        pace in prop_oneof![Just(Pace::Message), Just(Pace::Strict)],
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options).await;
            let mut served = told.producer();
            for (max, min) in windows {
                let step = repeater(&book, "step", 1, |options| options.pace(pace)).await;
                step.subscribe(&served, window(max, min)).await.unwrap();
                served = step.producer();
            }
            nothing_is_lost_or_doubled(World::new(book, told, served, peers).await, steps).await
        })?;
    }

    #[test]
    fn uncovered_14_all_peers_of_a_broadcast_see_one_sequence_without_gaps(
        seed: u64,
        steps in steps(),
        peers in peers(),
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options.dispatcher(BroadcastDispatcher::new())).await;
            let served = told.producer();
            let mut world = World::new(book, told, served, peers).await;
            world.live(steps).await;
            for (subscription, events) in world.delivered().await {
                prop_assert!(events.len() <= world.asked_by(&subscription), "asks ≥ deliveries");
                let gaps = events.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
                prop_assert_eq!(gaps, 0, "{:?}", events);
            }
            Ok(())
        })?;
    }

    #[test]
    fn uncovered_14_a_step_holds_at_most_its_window(
        seed: u64,
        asks in prop::collection::vec(1..40_usize, 1..20),
        (max, min) in max_and_min(),
        times in 1..4_usize,
    ) {
        Sim::seeded(seed).run(async {
            let mut book = Book::new();
            let counter = counter(&book, "counter").await;
            let step = repeater(&book, "step", times, |options| options).await;
            let peer = bare(&book, "peer").await;
            let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
            step.subscribe(&counter.producer(), window(max, min)).await.unwrap();
            let (mut wanted, mut got) = (0, Vec::new());
            for events in asks {
                ask(&subscription, events);
                wanted += events;
                got.extend(book.batches("peer").await.concat());
                prop_assert_eq!(got.len(), wanted, "the counter never ends");
                let buffered = step.inspect().await.unwrap().buffered;
                prop_assert!(buffered <= max * times, "{buffered} buffered, a message brings {max} × {times}");
            }
            let all = (0..).flat_map(|event| std::iter::repeat_n(event, times)).take(wanted);
            prop_assert!(got.into_iter().eq(all));
            Ok(())
        })?;
    }

    #[test]
    fn uncovered_03_a_finite_chain_wired_by_hand_hands_everything_over_and_ends(
        seed: u64,
        events in 0..300_u64,
        windows in prop::collection::vec(max_and_min(), 0..4),
        pace in prop_oneof![Just(Pace::Message), Just(Pace::Strict)],
        consumers in 1..4_usize,
        (max, min) in max_and_min(),
    ) {
        Sim::seeded(seed).run(async {
            let mut book = Book::new();
            // No event flows, and so no stage ends, before all are connected.
            let options = StageOptions::named("finite").demand(DemandMode::Accumulate);
            let finite = spawn::producer(FromIter::new(0..events), options).await.unwrap();
            let mut served = finite.producer();
            let mut steps = Vec::new();
            for (max, min) in windows {
                let step = repeater(&book, "step", 1, |options| options.pace(pace)).await;
                step.subscribe(&served, window(max, min)).await.unwrap();
                served = step.producer();
                steps.push(step);
            }
            let mut probes = Vec::new();
            for _ in 0..consumers {
                let probe = probe(&book, "probe").await;
                probe.subscribe(&served, window(max, min)).await.unwrap();
                probes.push(probe);
            }
            finite.set_demand_mode(DemandMode::Forward);
            assert_reason(&soon(finite.ended()).await, &ExitReason::Normal);
            for step in steps {
                assert_reason(&soon(step.ended()).await, &ExitReason::Normal);
            }
            for probe in probes {
                assert_reason(&soon(probe.ended()).await, &ExitReason::Normal);
            }
            let mut got = book.batches("probe").await.concat();
            got.sort_unstable();
            prop_assert!(got.into_iter().eq(0..events));
            Ok(())
        })?;
    }
}
