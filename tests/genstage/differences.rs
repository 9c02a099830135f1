//! Differences between stage-core and GenStage that no other case shows (`docs/design/`).

use stage_core::spawn::{self, StageOptions};
use stage_core::subscribe::{Asking, CancelKind, Role, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Demand, Emitter, Events, ExitReason, ProducerConsumer, StageResult,
};
use tokio::sync::oneshot;

use super::support::{
    Book, Crash, Emit, Log, ReplyThenWait, Seen, StopWith, ask, assert_reason, bare, counter, oops,
    permanent, probe, probe_at, range, settle, soon, temporary, told, transient, usual, window,
};

#[tokio::test(start_paused = true)]
async fn a_stage_whose_callback_waits_still_takes_in_subscriptions_asks_and_cancels() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    told.cast(Emit(range(0..5))).unwrap();
    let (go, may_go) = oneshot::channel();
    soon(told.call(ReplyThenWait(may_go))).await.unwrap();
    // From here on, its callback waits.
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&subscription, 3);
    assert_eq!(book.batches("peer").await, [range(0..3)]);
    subscription.cancel(oops());
    let seen = book.settled().await;
    let cancelled = Seen::Cancelled(Role::Producer, CancelKind::Cancelled, oops().to_string());
    assert_eq!(seen, [("peer", cancelled)], "its own callbacks come later");
    go.send(vec![]).unwrap();
    let cancelled = Seen::Cancelled(Role::Consumer, CancelKind::Cancelled, oops().to_string());
    assert_eq!(book.settled_of("told").await, [Seen::Subscribed(Role::Consumer), cancelled]);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_as_long_as_its_caller_does() {
    let book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let (go, may_go) = oneshot::channel();
    soon(told.call(ReplyThenWait(may_go))).await.unwrap();
    let call = tokio::spawn({
        let told = told.clone();
        async move { told.call(Emit(vec![])).await }
    });
    // GenStage fails a call after five seconds.
    tokio::time::advance(std::time::Duration::from_hours(1)).await;
    settle().await;
    assert!(!call.is_finished());
    go.send(vec![]).unwrap();
    soon(call).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_panics_does_not_terminate_and_one_that_fails_does() {
    for (panics, down) in [(true, "panicked: on purpose"), (false, "oops")] {
        let mut book = Book::new();
        let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
        probe.subscribe(&told.producer(), temporary()).await.unwrap();
        settle().await;
        book.settled().await;
        if panics {
            told.cast(Crash).unwrap();
        } else {
            told.cast(StopWith(oops())).unwrap();
        }
        let seen = book.settled().await;
        let lost = Seen::Cancelled(Role::Producer, CancelKind::Down, down.to_owned());
        assert!(seen.contains(&("probe", lost)), "{seen:?}");
        assert_eq!(seen.contains(&("told", Seen::Ended(down.to_owned()))), !panics, "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_in_init_to_an_ended_producer_ends_the_stage_behind_its_start() {
    let book = Book::new();
    for (options, ends) in [(permanent(), true), (transient(), true), (temporary(), false)] {
        let counter = counter(&book, "counter").await;
        counter.stop(ExitReason::Normal).await;
        let probe = probe_at(&book, "probe", &counter.producer(), options).await.expect("it starts");
        settle().await;
        assert_eq!(probe.inspect().await.is_err(), ends);
        if ends {
            assert_reason(&soon(probe.ended()).await, &ExitReason::NotFound);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_demand_of_a_subscription_made_soon_is_returned_and_not_only_logged() {
    let book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    let refused = probe.subscribe_soon(&counter.producer(), window(0, 0)).unwrap_err();
    assert_eq!(refused.to_string(), "max_demand must be at least 1, got 0");
}

/// A consumer that fails at its first batch.
struct Fails;

impl Consumer for Fails {
    type Event = u64;

    async fn handle_events(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Err(oops().into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_fails_loses_the_batch_in_its_hands_and_no_more() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let fails = spawn::consumer(Fails, StageOptions::named("fails")).await.unwrap();
    fails.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    settle().await;
    told.cast(Emit(range(0..10))).unwrap();
    assert_reason(&soon(fails.ended()).await, &oops());
    let next = probe(&book, "next").await;
    next.subscribe(&told.producer(), window(10, 0)).await.unwrap();
    assert_eq!(book.batches("next").await, [range(5..10)]);
}

/// A step that passes one event on for each demand it receives.
struct OneEach {
    upstream: Option<Subscription>,
    log: Log,
}

impl ProducerConsumer for OneEach {
    type In = u64;
    type Out = u64;

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Producer {
            self.upstream = Some(subscription.clone());
        }
        Ok(Asking::Manual)
    }

    async fn handle_demand(&mut self, demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        self.log.note(Seen::Demand(demand.get()));
        if let Some(upstream) = &self.upstream {
            ask(upstream, 1);
        }
        Ok(())
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_can_see_its_demand_and_hold_it_back() {
    let mut book = Book::new();
    let counter = counter(&book, "counter").await;
    let step = OneEach { upstream: None, log: book.log("step") };
    let step = spawn::producer_consumer(step, StageOptions::named("step")).await.unwrap();
    step.subscribe(&counter.producer(), usual()).await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
    for (event, demand) in [(0, 10), (1, 7)] {
        ask(&subscription, demand);
        let seen = book.settled().await;
        assert!(seen.contains(&("step", Seen::Demand(demand))), "{seen:?}");
        assert!(seen.contains(&("counter", Seen::Demand(1))), "{seen:?}");
        assert!(seen.contains(&("peer", Seen::Batch(vec![event]))), "{seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_detached_consumer_lives_and_its_demand_serves_the_others() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let (leaver, stays) = (bare(&book, "leaver").await, bare(&book, "stays").await);
    let leaving = leaver.subscribe(&told.producer(), permanent()).await.unwrap();
    let standing = stays.subscribe(&told.producer(), permanent()).await.unwrap();
    ask(&leaving, 4);
    settle().await;
    leaving.detach();
    ask(&standing, 6);
    settle().await;
    told.cast(Emit(range(0..6))).unwrap();
    let seen = book.settled().await;
    assert!(seen.contains(&("stays", Seen::Batch(range(0..6)))), "{seen:?}");
    let demands = seen.iter().filter(|(_, seen)| matches!(seen, Seen::Demand(_)));
    assert_eq!(demands.collect::<Vec<_>>(), [&("told", Seen::Demand(4)), &("told", Seen::Demand(2))]);
    assert!(leaver.inspect().await.is_ok(), "a departure ends no stage in any mode");
}
