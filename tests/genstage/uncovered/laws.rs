//! Random histories of whole stages in random interleavings, against what must always hold: asks ≥ deliveries
//! and first in first out for each subscription, and no event lost or sent twice.

use proptest::prelude::*;
use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher};
use stage_core::testing::{Sim, turn};
use stage_core::{DemandMode, ProducerRef, StageRef, Subscription};

use crate::support::{
    Book, CounterRef, Emit, ProbeRef, Seen, ask, bare, repeater, settle, temporary, told, window,
};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    Emit(u64),
    Ask(usize, usize),
    Leave(usize),
    Abort(usize),
    Join(usize),
    Mode(DemandMode),
    Settle,
}

/// The most peers at one time, by name.
const NAMES: [&str; 3] = ["first", "second", "third"];
const PEERS: usize = NAMES.len();

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..8_u64).prop_map(Step::Emit),
        4 => (0..PEERS, 1..8_usize).prop_map(|(peer, events)| Step::Ask(peer, events)),
        1 => (0..PEERS).prop_map(Step::Leave),
        1 => (0..PEERS).prop_map(Step::Abort),
        2 => (0..PEERS).prop_map(Step::Join),
        1 => prop_oneof![Just(DemandMode::Accumulate), Just(DemandMode::Forward)].prop_map(Step::Mode),
        2 => Just(Step::Settle),
    ]
}

/// A producer and peers that come and go.
struct World {
    book: Book,
    told: CounterRef,
    /// What the peers subscribe to: that producer, or a step behind it.
    served: ProducerRef<u64>,
    peers: Vec<(ProbeRef, Option<Subscription>)>,
    /// Every subscription there ever was, and what it asked for.
    asked: Vec<(Subscription, usize)>,
    emitted: u64,
}

impl World {
    async fn new(book: Book, told: CounterRef, served: ProducerRef<u64>) -> Self {
        let mut peers = Vec::new();
        for name in NAMES {
            peers.push((bare(&book, name).await, None));
        }
        Self { book, told, served, peers, asked: Vec::new(), emitted: 0 }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Emit(events) => {
                let end = self.emitted + events;
                self.told.cast(Emit((self.emitted..end).collect())).unwrap();
                self.emitted = end;
            }
            Step::Ask(peer, events) => {
                if let Some(subscription) = &self.peers[peer].1 {
                    ask(subscription, events);
                    let asked = self.asked.iter_mut().find(|(of, _)| of == subscription);
                    asked.unwrap().1 += events;
                }
            }
            Step::Leave(peer) => {
                if let Some(subscription) = self.peers[peer].1.take() {
                    subscription.detach();
                }
            }
            Step::Abort(peer) => {
                self.peers[peer].0.abort();
                self.peers[peer] = (bare(&self.book, NAMES[peer]).await, None);
            }
            Step::Join(peer) => {
                let (probe, standing) = &mut self.peers[peer];
                if standing.is_none() {
                    let subscription = probe.subscribe(&self.served, temporary()).await.unwrap();
                    self.asked.push((subscription.clone(), 0));
                    *standing = Some(subscription);
                }
            }
            Step::Mode(mode) => self.told.set_demand_mode(mode),
            Step::Settle => settle().await,
        }
        turn().await;
    }

    /// What each subscription got, in order; and everything that any got, in the order in which it was
    /// handled.
    async fn delivered(&mut self) -> (Vec<(Subscription, Vec<u64>)>, Vec<u64>) {
        let mut by: Vec<_> = self.asked.iter().map(|(of, _)| (of.clone(), Vec::new())).collect();
        let mut all = Vec::new();
        for entry in self.book.settled_entries().await {
            if let (Seen::Batch(events), Some(subscription)) = (entry.seen, entry.subscription)
                && let Some((_, got)) = by.iter_mut().find(|(of, _)| *of == subscription)
            {
                all.extend(&events);
                got.extend(events);
            }
        }
        (by, all)
    }

    fn asked_by(&self, subscription: &Subscription) -> usize {
        self.asked.iter().find(|(of, _)| of == subscription).unwrap().1
    }
}

/// Every subscription got at most what it asked for and in order, and all got everything once.
async fn nothing_is_lost_or_doubled(mut world: World, steps: Vec<Step>) -> Result<(), TestCaseError> {
    // What a peer that leaves has not handled comes again, to another, behind what that one got.
    let all_stay = !steps.iter().any(|step| matches!(step, Step::Leave(_) | Step::Abort(_)));
    for step in steps {
        world.take(step).await;
    }
    world.take(Step::Mode(DemandMode::Forward)).await;
    let (by, mut all) = world.delivered().await;
    for (subscription, events) in &by {
        prop_assert!(events.len() <= world.asked_by(subscription), "asks ≥ deliveries");
        prop_assert!(!all_stay || events.is_sorted(), "first in, first out: {events:?}");
    }
    // What was not delivered waits, and comes next and in order.
    let last = bare(&world.book, "last").await;
    let subscription = last.subscribe(&world.served, temporary()).await.unwrap();
    world.peers.iter().filter_map(|(_, standing)| standing.as_ref()).for_each(Subscription::detach);
    settle().await;
    ask(&subscription, 10_000);
    let rest = world.book.batches("last").await.concat();
    prop_assert!(!all_stay || rest.is_sorted(), "{rest:?}");
    all.extend(rest);
    all.sort_unstable();
    prop_assert!(all.into_iter().eq(0..world.emitted));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn uncovered_14_no_event_is_lost_or_sent_twice_and_no_subscription_gets_more_than_it_asked_for(
        seed: u64,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options.dispatcher(DemandDispatcher::new())).await;
            let served = told.producer();
            nothing_is_lost_or_doubled(World::new(book, told, served).await, steps).await
        })?;
    }

    #[test]
    fn uncovered_14_nor_is_any_behind_a_step(
        seed: u64,
        steps in prop::collection::vec(step(), 1..60),
        (max, min) in (1..12_usize).prop_flat_map(|max| (Just(max), 0..max)),
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options).await;
            let step = repeater(&book, "step", 1, |options| options).await;
            step.subscribe(&told.producer(), window(max, min)).await.unwrap();
            nothing_is_lost_or_doubled(World::new(book, told, step.producer()).await, steps).await
        })?;
    }

    #[test]
    fn uncovered_14_all_peers_of_a_broadcast_see_one_sequence_without_gaps(
        seed: u64,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        Sim::seeded(seed).run(async {
            let book = Book::new();
            let told = told(&book, "told", |options| options.dispatcher(BroadcastDispatcher::new())).await;
            let served = told.producer();
            let mut world = World::new(book, told, served).await;
            for step in steps {
                world.take(step).await;
            }
            world.take(Step::Mode(DemandMode::Forward)).await;
            for (subscription, events) in world.delivered().await.0 {
                prop_assert!(events.len() <= world.asked_by(&subscription), "asks ≥ deliveries");
                let gaps = events.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
                prop_assert_eq!(gaps, 0, "{:?}", events);
            }
            Ok(())
        })?;
    }

    #[test]
    fn uncovered_14_a_step_between_loses_nothing_and_holds_no_more_than_its_window_brings(
        seed: u64,
        asks in prop::collection::vec(1..40_usize, 1..20),
        (max, min) in (1..30_usize).prop_flat_map(|max| (Just(max), 0..max)),
        times in 1..4_usize,
    ) {
        Sim::seeded(seed).run(async {
            let mut book = Book::new();
            let counter = crate::support::counter(&book, "counter").await;
            let step = repeater(&book, "step", times, |options| options).await;
            let peer = bare(&book, "peer").await;
            let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
            step.subscribe(&counter.producer(), window(max, min)).await.unwrap();
            let mut wanted = 0;
            let mut got = Vec::new();
            for events in asks {
                ask(&subscription, events);
                wanted += events;
                got.extend(book.batches("peer").await.concat());
                prop_assert_eq!(got.len(), wanted, "the counter never ends");
                let buffered = buffered(&step).await;
                prop_assert!(buffered <= max * times, "{buffered} buffered, a message brings {max} × {times}");
            }
            let all = (0..).flat_map(|event| std::iter::repeat_n(event, times)).take(wanted);
            prop_assert!(got.into_iter().eq(all));
            Ok(())
        })?;
    }
}

async fn buffered<S, In, Out>(stage: &StageRef<S, In, Out>) -> usize
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    stage.inspect().await.unwrap().buffered
}
