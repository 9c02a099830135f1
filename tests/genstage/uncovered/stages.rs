//! Buffers without room, misbehaving producers, several producers, and subscriptions that replace others.

use stage_core::Capacity::{Bounded, Unbounded};
use stage_core::spawn::{self, StageOptions};
use stage_core::subscribe::{CancelKind, Cancellation, Role, Subscription};
use stage_core::{Consumer, Context, Demand, Emitter, Events, ExitReason, Producer, StageResult};
use tokio::sync::oneshot;

use crate::support::{
    Book, Emit, Seen, ask, assert_reason, bare, counter, counter_with, doubler, letters, oops, permanent,
    probe, probe_at, range, settle, soon, temporary, told, window,
};

#[tokio::test(start_paused = true)]
async fn uncovered_08_bug_e5_a_buffer_of_size_zero_passes_the_demand_and_discards_the_rest() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.buffer(Bounded(0))).await;
    told.cast(Emit(letters("abc"))).unwrap();
    assert_eq!(book.settled().await, [("told", Seen::Discarded(3))]);
    let peer = bare(&book, "peer").await;
    ask(&peer.subscribe(&told.producer(), temporary()).await.unwrap(), 2);
    settle().await;
    told.cast(Emit(letters("def"))).unwrap();
    let seen = book.settled().await;
    assert!(seen.contains(&("peer", Seen::Batch(letters("de")))), "{seen:?}");
    assert!(seen.contains(&("told", Seen::Discarded(1))), "{seen:?}");
    told.info("info").await.unwrap();
    assert_eq!(book.settled().await, [("told", Seen::Note("info"))]);
}

/// A consumer whose `handle_cancel` is slow.
struct Slow {
    go: Option<oneshot::Receiver<()>>,
}

impl Consumer for Slow {
    type Event = u64;

    async fn handle_events(&mut self, _events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _subscription: &Subscription,
        _cancellation: &Cancellation,
        _cx: &mut Context<'_>,
    ) -> StageResult {
        match self.go.take() {
            Some(go) => Ok(go.await?),
            None => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn uncovered_08_bug_e8_no_answer_to_a_cancel_skips_the_end() {
    let book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let (go, may_go) = oneshot::channel();
    let slow = spawn::consumer(Slow { go: Some(may_go) }, StageOptions::named("slow")).await.unwrap();
    let subscription = slow.subscribe(&told.producer(), permanent()).await.unwrap();
    subscription.cancel(oops());
    settle().await;
    go.send(()).unwrap();
    assert_reason(&soon(slow.ended()).await, &oops());
}

#[tokio::test(start_paused = true)]
async fn uncovered_08_bug_f9_replacing_a_permanent_subscription_does_not_end_its_consumer() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let probe = probe(&book, "probe").await;
    let old = probe.subscribe(&told.producer(), permanent()).await.unwrap();
    let new = soon(probe.resubscribe(&old, oops(), &told.producer(), permanent())).await.unwrap();
    book.cancelled("told", Role::Consumer, CancelKind::Cancelled, &oops()).await;
    settle().await;
    told.cast(Emit(vec![1])).unwrap();
    assert_eq!(book.seen("probe", Seen::Batch(vec![1])).await.as_ref(), Some(&new));
    assert_eq!(told.inspect().await.unwrap().consumers, [new]);
}

#[tokio::test(start_paused = true)]
async fn uncovered_08_a_subscription_to_one_producer_can_replace_one_to_another() {
    // In GenStage the old one is then not cancelled at all.
    let mut book = Book::new();
    let (first, second) = (told(&book, "first", |options| options).await, counter(&book, "second").await);
    let probe = probe(&book, "probe").await;
    let old = probe.subscribe(&first.producer(), permanent()).await.unwrap();
    let new = soon(probe.resubscribe(&old, oops(), &second.producer(), window(5, 0))).await.unwrap();
    book.cancelled("first", Role::Consumer, CancelKind::Cancelled, &oops()).await;
    assert_eq!(book.seen("probe", Seen::Batch(range(0..5))).await, Some(new));
    assert!(first.inspect().await.unwrap().consumers.is_empty());
}

/// Emits the demanded events; its `handle_cancel` is slow.
struct SlowProducer {
    go: Option<oneshot::Receiver<()>>,
}

impl Producer for SlowProducer {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(0..demand.get() as u64);
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _subscription: &Subscription,
        _cancellation: &Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        match self.go.take() {
            Some(go) => Ok(go.await?),
            None => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bug_replaced_no_answer_of_a_producer_to_the_end_of_the_old_subscription_drops_the_new_one() {
    let mut book = Book::new();
    let (go, may_go) = oneshot::channel();
    let slow = SlowProducer { go: Some(may_go) };
    let slow = spawn::producer(slow, StageOptions::named("slow")).await.unwrap();
    let peer = bare(&book, "peer").await;
    let old = peer.subscribe(&slow.producer(), temporary()).await.unwrap();
    settle().await;
    let new = soon(peer.resubscribe(&old, oops(), &slow.producer(), temporary())).await.unwrap();
    ask(&new, 3);
    settle().await;
    go.send(()).unwrap();
    assert_eq!(book.seen("peer", Seen::Batch(range(0..3))).await.as_ref(), Some(&new));
    assert_eq!(slow.inspect().await.unwrap().consumers, [new]);
}

#[tokio::test(start_paused = true)]
async fn bug_e6_wrong_options_of_a_subscription_made_in_init_fail_the_start() {
    let book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let failed = probe_at(&book, "probe", &told.producer(), window(0, 0)).await.unwrap_err();
    assert_eq!(failed.stage, "probe");
    assert!(failed.to_string().contains("max_demand must be at least 1, got 0"), "{failed}");
    assert!(told.inspect().await.unwrap().consumers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn bug_f4_an_info_is_not_a_buffered_event_and_needs_no_demand() {
    for capacity in [Bounded(10), Unbounded] {
        let mut book = Book::new();
        let told = told(&book, "told", |options| options.buffer(capacity)).await;
        told.cast(Emit(letters("abc"))).unwrap();
        told.info("info").await.unwrap();
        assert_eq!(told.inspect().await.unwrap().buffered, 3, "{capacity:?}");
        let peer = bare(&book, "peer").await;
        ask(&peer.subscribe(&told.producer(), temporary()).await.unwrap(), 3);
        let seen = book.settled_of("told").await;
        assert!(seen.contains(&Seen::Note("info")), "an ask of just three, {capacity:?}: {seen:?}");
    }
}

/// Emits three times the demand.
struct Excessive {
    next: u64,
    asked: tokio::sync::mpsc::UnboundedSender<usize>,
}

impl Producer for Excessive {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.asked.send(demand.get())?;
        let next = self.next + 3 * demand.get() as u64;
        out.extend(self.next..next);
        self.next = next;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn uncovered_09_a_producer_that_emits_too_much_never_sends_more_than_was_asked_for() {
    let mut book = Book::new();
    let (report, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let excessive = Excessive { next: 0, asked: report };
    let excessive = spawn::producer(excessive, StageOptions::named("excessive")).await.unwrap();
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&excessive.producer(), temporary()).await.unwrap();
    ask(&subscription, 2);
    assert_eq!(book.batches("peer").await, [range(0..2)]);
    assert_eq!(excessive.inspect().await.unwrap().buffered, 4);
    ask(&subscription, 3);
    assert_eq!(book.batches("peer").await, [range(2..5)]);
    ask(&subscription, 3);
    assert_eq!(book.batches("peer").await, [vec![5], range(6..8)]);
    assert_eq!((asked.recv().await, asked.recv().await), (Some(2), Some(2)), "only what was not there");
    assert!(asked.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn uncovered_10_each_of_several_producers_has_its_own_credit_its_own_batches_and_its_own_end() {
    let mut book = Book::new();
    let (left, right) =
        (told(&book, "left", |options| options).await, told(&book, "right", |options| options).await);
    let probe = probe(&book, "probe").await;
    let from_left = probe.subscribe(&left.producer(), temporary().max_demand(4).min_demand(2)).await.unwrap();
    let from_right =
        probe.subscribe(&right.producer(), temporary().max_demand(10).min_demand(5)).await.unwrap();
    assert_eq!((book.demand("left").await, book.demand("right").await), (4, 10));
    left.cast(Emit(range(0..4))).unwrap();
    settle().await;
    assert_eq!(book.seen("probe", Seen::Batch(range(0..2))).await.as_ref(), Some(&from_left));
    assert_eq!(book.seen("probe", Seen::Batch(range(2..4))).await.as_ref(), Some(&from_left));
    assert_eq!((book.demand("left").await, book.demand("left").await), (2, 2));
    let seen = book.settled().await;
    assert!(!seen.contains(&("right", Seen::Demand(10))), "the demand of the right producer is untouched");
    left.abort();
    let down = book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::Aborted).await;
    assert_eq!(down, Some(from_left));
    right.cast(Emit(range(10..15))).unwrap();
    assert_eq!(book.seen("probe", Seen::Batch(range(10..15))).await.as_ref(), Some(&from_right));
    assert_eq!(book.demand("right").await, 5);
    assert_eq!(probe.inspect().await.unwrap().producers, [from_right]);
}

#[tokio::test(start_paused = true)]
async fn uncovered_10_batches_of_several_producers_are_never_mixed() {
    let mut book = Book::new();
    let doubler = doubler(&book, "doubler").await;
    let probe = probe(&book, "probe").await;
    for (name, first) in [("low", 0), ("high", 1_000_000)] {
        let counter =
            counter_with(&book, name, |options| options.demand(stage_core::spawn::DemandMode::Accumulate))
                .await;
        counter.cast(Emit((first..first + 10).collect())).unwrap();
        doubler.subscribe(&counter.producer(), temporary().max_demand(8).min_demand(4)).await.unwrap();
        counter.set_demand_mode(stage_core::spawn::DemandMode::Forward);
    }
    probe.subscribe(&doubler.producer(), window(10, 5)).await.unwrap();
    for _ in 0..100 {
        let (from, batch) = book
            .find(|entry| match (&entry.seen, &entry.subscription) {
                (Seen::Batch(events), Some(from)) if entry.by == "doubler" => {
                    Some((from.producer().to_string(), events.clone()))
                }
                _ => None,
            })
            .await;
        assert!(batch.len() <= 4, "{batch:?}");
        assert!(batch.iter().all(|event| *event < 1_000_000 || from == "high"), "from {from}: {batch:?}");
    }
}
