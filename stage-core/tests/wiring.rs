//! Stages wired by hand: subscriptions that come and go, cancel modes, manual demand.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions, PartitionDispatcher};
use stage_core::spawn::{self, DemandMode, StageOptions};
use stage_core::stage::{Cast, FromIter, MapEach};
use stage_core::subscribe::{Asking, CancelKind, Cancellation, Role, SubscribeError, Subscription};
use stage_core::{
    BoxError, CancelMode, Consumer, Context, Demand, Emitter, Events, ExitReason, Nothing, Producer,
    ProducerConsumer, StageRef, StageResult, SubscribeOptions, Window,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The reports of stages, in order.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Batch(String, Vec<u64>),
    Demand(usize),
    Subscribed(String),
    Cancelled(String, CancelKind, String),
}

use Seen::{Batch, Subscribed};

/// Counts upwards forever, or emits events on command.
struct Counter {
    next: u64,
    report: UnboundedSender<Seen>,
}

impl Producer for Counter {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let next = self.next + demand.get() as u64;
        out.extend(self.next..next);
        self.next = next;
        self.report.send(Seen::Demand(demand.get()))?;
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.report.send(cancelled(&subscription.consumer(), cancellation))?;
        Ok(())
    }
}

/// Emits only on command.
struct Told;

impl Producer for Told {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        Ok(())
    }
}

impl Cast<Vec<u64>> for Told {
    type Out = u64;

    async fn handle_cast(&mut self, events: Vec<u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

/// Reports its batches.
struct Probe {
    asking: Asking,
    report: UnboundedSender<Seen>,
}

impl Consumer for Probe {
    type Event = u64;

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.report.send(Subscribed(subscription.producer().to_string()))?;
        Ok(self.asking)
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _cx: &mut Context<'_>,
    ) -> StageResult {
        self.report.send(cancelled(&subscription.producer(), cancellation))?;
        Ok(())
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        let from = events.from().producer().to_string();
        self.report.send(Batch(from, events.into_iter().collect()))?;
        Ok(())
    }
}

fn cancelled(peer: &str, cancellation: &Cancellation) -> Seen {
    Seen::Cancelled(peer.to_owned(), cancellation.kind, cancellation.reason.to_string())
}

type Report = UnboundedReceiver<Seen>;

async fn counter(name: &str) -> (StageRef<Counter, Nothing, u64>, Report) {
    let (report, reports) = unbounded_channel();
    (spawn::producer(Counter { next: 0, report }, StageOptions::named(name)).await.unwrap(), reports)
}

async fn probe(asking: Asking) -> (StageRef<Probe, u64, Nothing>, Report) {
    let (report, reports) = unbounded_channel();
    (spawn::consumer(Probe { asking, report }, StageOptions::named("probe")).await.unwrap(), reports)
}

/// Returns the next batch, skipping other reports.
async fn batch(report: &mut Report) -> Vec<u64> {
    loop {
        if let Batch(_, events) = report.recv().await.expect("a batch") {
            return events;
        }
    }
}

fn range(events: std::ops::Range<u64>) -> Vec<u64> {
    events.collect()
}

fn window(max: usize, min: usize) -> SubscribeOptions<u64> {
    SubscribeOptions::new().max_demand(max).min_demand(min)
}

#[tokio::test]
async fn a_subscription_by_default_moves_halves_of_a_thousand() {
    let (counter, mut demands) = counter("counter").await;
    let (probe, mut seen) = probe(Asking::Automatic).await;
    probe.subscribe(&counter.producer(), window(1000, 500)).await.unwrap();
    assert_eq!(seen.recv().await, Some(Subscribed("counter".to_owned())));
    assert_eq!(batch(&mut seen).await, range(0..500));
    assert_eq!(batch(&mut seen).await, range(500..1000));
    assert_eq!(demands.recv().await, Some(Seen::Demand(1000)));
    assert_eq!(demands.recv().await, Some(Seen::Demand(500)));
}

#[tokio::test]
async fn wrong_demand_is_an_error_of_the_subscriber_that_names_the_bounds() {
    let (counter, _demands) = counter("counter").await;
    let (probe, _seen) = probe(Asking::Automatic).await;
    let zero = probe.subscribe(&counter.producer(), window(0, 0)).await.unwrap_err();
    assert_eq!(zero.to_string(), "max_demand must be at least 1, got 0");
    let large = probe.subscribe(&counter.producer(), window(1000, 2000)).await.unwrap_err();
    assert_eq!(large.to_string(), "min_demand must be between 0 and 999 (max_demand - 1), got 2000");
}

#[tokio::test]
async fn a_cancel_reaches_both_sides_and_the_mode_decides_about_the_consumer() {
    let custom = || ExitReason::Custom("oops".to_owned());
    for (mode, reason, ends) in [
        (CancelMode::Permanent, ExitReason::Normal, true),
        (CancelMode::Permanent, custom(), true),
        (CancelMode::Transient, ExitReason::Shutdown, false),
        (CancelMode::Transient, custom(), true),
        (CancelMode::Temporary, custom(), false),
    ] {
        let (counter, mut demands) = counter("counter").await;
        let (probe, mut seen) = probe(Asking::Automatic).await;
        let subscription = probe.subscribe(&counter.producer(), window(10, 5).cancel(mode)).await.unwrap();
        batch(&mut seen).await;
        subscription.cancel(reason.clone());
        let told = |peer: &str| Seen::Cancelled(peer.to_owned(), CancelKind::Cancelled, reason.to_string());
        while demands.recv().await.unwrap() != told("probe") {}
        while seen.recv().await.unwrap() != told("counter") {}
        if ends {
            assert_eq!(probe.ended().await.to_string(), reason.to_string());
        } else {
            // It is alive: it can subscribe again.
            probe.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
            batch(&mut seen).await;
        }
    }
}

#[tokio::test]
async fn a_detached_consumer_lives_and_its_producer_serves_others() {
    let (counter, mut demands) = counter("counter").await;
    let (probe, mut seen) = probe(Asking::Automatic).await;
    let subscription = probe.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    batch(&mut seen).await;
    subscription.detach();
    while !matches!(demands.recv().await.unwrap(), Seen::Cancelled(..)) {}
    // Events that were not handled are delivered again, and none twice.
    let mut next = None;
    probe.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    for _ in 0..10 {
        let events = batch(&mut seen).await;
        assert!(next.is_none_or(|next| events[0] == next), "{events:?} follows {next:?}");
        next = events.last().map(|last| last + 1);
    }
}

#[tokio::test]
async fn the_end_of_a_producer_comes_behind_its_events_and_ends_a_permanent_consumer() {
    let (probe, mut seen) = probe(Asking::Automatic).await;
    let finite = spawn::producer(FromIter::new(0..25_u64), StageOptions::named("finite")).await.unwrap();
    probe.subscribe(&finite.producer(), window(10, 6)).await.unwrap();
    let mut events = Vec::new();
    loop {
        match seen.recv().await.unwrap() {
            Batch(_, batch) => events.extend(batch),
            Subscribed(_) => {}
            other => {
                assert_eq!(
                    other,
                    Seen::Cancelled("finite".to_owned(), CancelKind::Down, "finished".to_owned())
                );
                break;
            }
        }
    }
    assert_eq!(events, range(0..25));
    assert!(matches!(probe.ended().await, ExitReason::Normal));
    // A later subscriber learns that the producer has ended.
    let (late, _seen) = self::probe(Asking::Automatic).await;
    late.subscribe(&finite.producer(), window(10, 6)).await.unwrap();
    assert!(matches!(late.ended().await, ExitReason::NotFound));
    let again = late.subscribe(&finite.producer(), window(10, 6)).await;
    assert!(matches!(again, Err(SubscribeError::Ended { .. })));
}

#[tokio::test]
async fn demand_by_hand_is_served_as_it_is_asked() {
    let (counter, _demands) = counter("counter").await;
    let (probe, mut seen) = probe(Asking::Manual).await;
    let subscription = probe.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    subscription.ask(Demand::new(50).unwrap());
    assert_eq!(batch(&mut seen).await, range(0..50));
    subscription.ask(Demand::new(50).unwrap());
    assert_eq!(batch(&mut seen).await, range(50..100));
}

#[tokio::test]
async fn events_emitted_without_subscribers_wait_in_the_buffer() {
    let told = spawn::producer(Told, StageOptions::named("told")).await.unwrap();
    told.cast(vec![1, 2, 3]).unwrap();
    told.cast(vec![4, 5]).unwrap();
    let (probe, mut seen) = probe(Asking::Automatic).await;
    probe.subscribe(&told.producer(), window(4, 0)).await.unwrap();
    assert_eq!(batch(&mut seen).await, [1, 2, 3, 4]);
    assert_eq!(batch(&mut seen).await, [5]);
}

#[tokio::test]
async fn accumulated_demand_and_events_continue_in_order() {
    let told = spawn::producer(Told, StageOptions::new().demand(DemandMode::Accumulate)).await.unwrap();
    let (probe, mut seen) = probe(Asking::Manual).await;
    let subscription = probe.subscribe(&told.producer(), window(4, 0)).await.unwrap();
    let ask = |count| subscription.ask(Demand::new(count).unwrap());
    ask(2);
    told.cast(vec![1, 2, 3, 4, 5]).unwrap();
    ask(2);
    told.set_demand_mode(DemandMode::Accumulate);
    told.set_demand_mode(DemandMode::Forward);
    ask(3);
    let mut events = Vec::new();
    while events.len() < 5 {
        events.extend(batch(&mut seen).await);
    }
    assert_eq!(events, range(1..6));
}

#[tokio::test]
async fn a_paused_subscription_waits_while_others_continue() {
    let held = spawn::producer(Told, StageOptions::named("held")).await.unwrap();
    let other = spawn::producer(Told, StageOptions::named("other")).await.unwrap();
    let (probe, mut seen) = probe(Asking::Automatic).await;
    let paused = probe.subscribe(&held.producer(), window(4, 2)).await.unwrap();
    probe.subscribe(&other.producer(), window(4, 2)).await.unwrap();
    paused.pause();
    held.cast(vec![1, 2]).unwrap();
    // Messages to one stage are handled in order, so the pause takes effect before these arrive.
    for event in 10..20 {
        other.cast(vec![event]).unwrap();
        assert_eq!(batch(&mut seen).await, [event]);
    }
    paused.resume();
    assert_eq!(batch(&mut seen).await, [1, 2]);
}

/// Reports its demand, and emits nothing.
struct Asked(UnboundedSender<usize>);

impl Producer for Asked {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        self.0.send(demand.get())?;
        Ok(())
    }
}

#[tokio::test]
async fn a_subscription_that_starts_paused_asks_when_resumed() {
    let (tx, mut asked) = unbounded_channel();
    let asked_of = spawn::producer(Asked(tx), StageOptions::named("asked")).await.unwrap();
    let (probe, _seen) = probe(Asking::Automatic).await;
    let waiting = probe.subscribe(&asked_of.producer(), window(4, 2).paused()).await.unwrap();
    // On resume, it asks for the present window, which is larger than the one it began with.
    waiting.set_window(Window::new(10, 5).unwrap());
    probe.inspect().await.unwrap();
    asked_of.inspect().await.unwrap();
    assert!(asked.try_recv().is_err());
    waiting.resume();
    assert_eq!(asked.recv().await, Some(10));
}

#[tokio::test]
async fn a_larger_window_asks_for_the_difference_at_once() {
    let (report, mut asked) = unbounded_channel();
    let producer = spawn::producer(Asked(report), StageOptions::named("asked")).await.unwrap();
    let (probe, _seen) = probe(Asking::Automatic).await;
    let subscription = probe.subscribe(&producer.producer(), window(4, 2)).await.unwrap();
    assert_eq!(asked.recv().await, Some(4));
    subscription.set_window(Window::new(20, 10).unwrap());
    assert_eq!(asked.recv().await, Some(16));
    subscription.set_window(Window::new(5, 0).unwrap());
    subscription.ask(Demand::new(3).unwrap());
    assert_eq!(asked.recv().await, Some(3));
}

#[tokio::test]
async fn each_of_several_producers_has_its_own_credit_and_its_own_end() {
    let (first, _first) = counter("first").await;
    let (second, _second) = counter("second").await;
    let (probe, mut seen) = probe(Asking::Automatic).await;
    let temporary = || window(4, 2).cancel(CancelMode::Temporary);
    probe.subscribe(&first.producer(), temporary()).await.unwrap();
    probe.subscribe(&second.producer(), temporary()).await.unwrap();
    let mut next = [0; 2];
    while next.iter().any(|next| *next < 50) {
        if let Batch(from, events) = seen.recv().await.unwrap() {
            let next = &mut next[usize::from(from == "second")];
            assert_eq!(events[0], *next, "from {from}");
            *next += events.len() as u64;
        }
    }
    first.stop(ExitReason::Custom("enough".to_owned())).await;
    let gone = Seen::Cancelled("first".to_owned(), CancelKind::Down, "enough".to_owned());
    while seen.recv().await.unwrap() != gone {}
    assert!(matches!(seen.recv().await.unwrap(), Batch(from, _) if from == "second"));
}

/// Doubles events, and reports its callbacks.
struct Doubler(UnboundedSender<(Role, String)>);

impl ProducerConsumer for Doubler {
    type In = u64;
    type Out = u64;

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> Result<Asking, BoxError> {
        self.0.send((peer, "subscribed".to_owned()))?;
        Ok(Asking::Automatic)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        _subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.0.send((peer, cancellation.reason.to_string()))?;
        Ok(())
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        for event in events {
            out.extend([event, event]);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_step_hands_its_output_over_before_it_ends_with_its_producer() {
    // In GenStage, 15 of these 20 outputs are lost.
    let (report, mut reports) = unbounded_channel();
    let doubler = spawn::producer_consumer(Doubler(report), StageOptions::named("doubler")).await.unwrap();
    let ten = spawn::producer(FromIter::new(0..10_u64), StageOptions::named("ten")).await.unwrap();
    let (probe, mut seen) = probe(Asking::Manual).await;
    let subscription = probe.subscribe(&doubler.producer(), window(5, 0)).await.unwrap();
    subscription.ask(Demand::new(5).unwrap());
    doubler.subscribe(&ten.producer(), window(10, 0)).await.unwrap();
    assert_eq!(batch(&mut seen).await, [0, 0, 1, 1, 2]);
    assert!(matches!(ten.ended().await, ExitReason::Normal));
    while reports.recv().await.unwrap() != (Role::Producer, "finished".to_owned()) {}
    subscription.ask(Demand::new(100).unwrap());
    assert_eq!(batch(&mut seen).await.len(), 15);
    assert!(matches!(doubler.ended().await, ExitReason::Normal));
}

#[tokio::test]
async fn a_step_whose_consumer_left_with_credit_does_not_drain_its_producer() {
    // In GenStage, all 500 events end up in the step's buffer.
    let (counter, mut demands) = counter("counter").await;
    let doubler =
        spawn::producer_consumer(MapEach::new(|x: u64| x), StageOptions::named("same")).await.unwrap();
    let (probe, mut seen) = probe(Asking::Manual).await;
    let subscription = probe.subscribe(&doubler.producer(), window(100, 0)).await.unwrap();
    subscription.ask(Demand::new(100).unwrap());
    subscription.detach();
    while !matches!(seen.recv().await.unwrap(), Seen::Cancelled(..)) {}
    let link = doubler.subscribe(&counter.producer(), window(10, 5)).await.unwrap();
    assert_eq!(demands.recv().await, Some(Seen::Demand(10)));
    link.cancel(ExitReason::Shutdown);
    assert!(matches!(demands.recv().await, Some(Seen::Cancelled(..))), "only the first ask came");
}

#[tokio::test]
async fn a_gated_step_learns_of_a_cancel_without_events_before_it() {
    let told = spawn::producer(Told, StageOptions::named("told")).await.unwrap();
    let (report, mut reports) = unbounded_channel();
    let doubler = spawn::producer_consumer(Doubler(report), StageOptions::named("doubler")).await.unwrap();
    let subscription = doubler.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    subscription.cancel(ExitReason::Custom("oops".to_owned()));
    assert_eq!(reports.recv().await, Some((Role::Producer, "subscribed".to_owned())));
    assert_eq!(reports.recv().await, Some((Role::Producer, "oops".to_owned())));
    assert_eq!(doubler.ended().await.to_string(), "oops");
}

#[tokio::test]
async fn a_broadcast_sends_every_event_to_all_that_select_it() {
    let options = StageOptions::named("counter").dispatcher(BroadcastDispatcher::new());
    let (report, _reports) = unbounded_channel();
    let counter =
        spawn::producer(Counter { next: 0, report }, options.demand(DemandMode::Accumulate)).await.unwrap();
    let (all, mut all_seen) = probe(Asking::Automatic).await;
    let (even, mut even_seen) = probe(Asking::Automatic).await;
    all.subscribe(&counter.producer(), window(10, 0)).await.unwrap();
    let share = DispatchOptions::new().selector(|event: &u64| event.is_multiple_of(2));
    even.subscribe(&counter.producer(), window(10, 0).share(share)).await.unwrap();
    counter.set_demand_mode(DemandMode::Forward);
    let (mut everything, mut evens) = (Vec::new(), Vec::new());
    while everything.len() < 100 || evens.len() < 50 {
        tokio::select! {
            some = batch(&mut all_seen), if everything.len() < 100 => everything.extend(some),
            some = batch(&mut even_seen), if evens.len() < 50 => evens.extend(some),
        }
    }
    assert_eq!(everything[..100], range(0..100));
    assert!(evens.into_iter().take(50).eq((0..100).step_by(2)));
}

#[tokio::test]
async fn a_partition_is_named_by_its_subscriber_and_a_wrong_one_is_the_subscribers_error() {
    let dispatcher =
        PartitionDispatcher::routed(2, |event: u64| Some((event, usize::from(event % 2 == 1)))).unwrap();
    let options = StageOptions::named("counter").dispatcher(dispatcher);
    let (report, _reports) = unbounded_channel();
    let counter = spawn::producer(Counter { next: 0, report }, options).await.unwrap();
    let (wrong, mut told) = probe(Asking::Automatic).await;
    let partition = |partition: usize| window(10, 0).share(DispatchOptions::new().partition(partition));
    wrong.subscribe(&counter.producer(), partition(2)).await.unwrap();
    while let Some(event) = told.recv().await {
        if let Seen::Cancelled(_, kind, reason) = event {
            assert_eq!(kind, CancelKind::Cancelled);
            assert!(reason.contains("partition 2 does not exist"), "{reason}");
            break;
        }
    }
    assert!(matches!(wrong.ended().await, ExitReason::Error(_)));
    let (first, mut first_seen) = probe(Asking::Automatic).await;
    let (second, mut second_seen) = probe(Asking::Automatic).await;
    first.subscribe(&counter.producer(), partition(0)).await.unwrap();
    second.subscribe(&counter.producer(), partition(1)).await.unwrap();
    let (first, second) = (batch(&mut first_seen).await, batch(&mut second_seen).await);
    let parity =
        |events: &[u64]| events.iter().map(|event| event % 2).collect::<std::collections::HashSet<_>>();
    assert_eq!((parity(&first).len(), parity(&second).len()), (1, 1));
    assert_ne!(parity(&first), parity(&second));
}
