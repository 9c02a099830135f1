//! Traces of the specification that are not cases of the suite, by the experiments that showed them.

use stage_core::dispatch::{BroadcastDispatcher, DemandDispatcher, DispatchOptions};
use stage_core::spawn::{self, StageOptions};
use stage_core::stage::{Cast, Pace};
use stage_core::subscribe::{CancelKind, Role};
use stage_core::{Demand, Emitter, ExitReason, Producer, StageResult};

use super::support::{
    Book, DoublerRef, Emit, Seen, Warnings, ask, assert_reason, bare, counter, oops, permanent, probe, range,
    repeater, settle, soon, temporary, told, usual, window,
};

fn demands(seen: &[(&'static str, Seen)], by: &str) -> Vec<usize> {
    let demand = |(name, seen): &(&'static str, Seen)| match seen {
        Seen::Demand(demand) if *name == by => Some(*demand),
        _ => None,
    };
    seen.iter().filter_map(demand).collect()
}

fn batches(seen: &[(&'static str, Seen)], by: &str) -> Vec<Vec<u64>> {
    let batch = |(name, seen): &(&'static str, Seen)| match seen {
        Seen::Batch(events) if *name == by => Some(events.clone()),
        _ => None,
    };
    seen.iter().filter_map(batch).collect()
}

#[tokio::test(start_paused = true)]
async fn t2_messages_of_a_hundred_are_handled_whole_and_the_third_asks_for_three_hundred() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    probe.subscribe(&told.producer(), window(1000, 750)).await.unwrap();
    assert_eq!(book.demand("told").await, 1000);
    for start in [0, 100, 200] {
        told.cast(Emit(range(start..start + 100))).unwrap();
        let seen = book.settled().await;
        assert_eq!(batches(&seen, "probe"), [range(start..start + 100)]);
        assert_eq!(demands(&seen, "told"), if start == 200 { vec![300] } else { vec![] });
    }
}

#[tokio::test(start_paused = true)]
async fn t1_a_message_of_seven_under_3_of_10_is_one_batch_and_one_ask() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    probe.subscribe(&told.producer(), window(10, 3)).await.unwrap();
    assert_eq!(book.demand("told").await, 10);
    told.cast(Emit(range(0..7))).unwrap();
    let seen = book.settled().await;
    assert_eq!((batches(&seen, "probe"), demands(&seen, "told")), (vec![range(0..7)], vec![7]));
}

/// Returns a step that passes events on, 100/50, with a hundred events before it and no demand.
async fn a_hundred_before_a_step(
    book: &mut Book,
    pace: Pace,
) -> (DoublerRef, stage_core::subscribe::Subscription) {
    let counter = counter(book, "counter").await;
    let step = repeater(book, "step", 1, |options| options.pace(pace)).await;
    step.subscribe(&counter.producer(), window(100, 50)).await.unwrap();
    let peer = bare(book, "peer").await;
    let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
    assert_eq!(demands(&book.settled().await, "counter"), [100]);
    (step, subscription)
}

#[tokio::test(start_paused = true)]
async fn h5_a_step_handles_a_message_whole_for_an_ask_of_one_and_serves_its_buffer_first() {
    let mut book = Book::new();
    let (step, subscription) = a_hundred_before_a_step(&mut book, Pace::Message).await;
    for (asked, handled, upstream, got, buffered) in [
        (1, vec![range(0..50), range(50..100)], vec![50, 50], vec![range(0..1)], 99),
        (30, vec![], vec![], vec![range(1..31)], 69),
        (100, vec![range(100..150)], vec![50], vec![range(31..100), range(100..131)], 19),
    ] {
        ask(&subscription, asked);
        let seen = book.settled().await;
        assert_eq!((batches(&seen, "step"), demands(&seen, "counter")), (handled, upstream));
        assert_eq!(batches(&seen, "peer"), got);
        assert_eq!(step.inspect().await.unwrap().buffered, buffered);
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_step_handles_one_batch_at_a_time_and_only_while_something_is_wanted() {
    let mut book = Book::new();
    let (step, subscription) = a_hundred_before_a_step(&mut book, Pace::Strict).await;
    for (asked, handled, buffered) in
        [(1, vec![range(0..50)], 49), (49, vec![], 0), (60, vec![range(50..100), range(100..150)], 40)]
    {
        ask(&subscription, asked);
        let seen = book.settled().await;
        assert_eq!(batches(&seen, "step"), handled);
        assert_eq!(step.inspect().await.unwrap().buffered, buffered);
    }
}

#[tokio::test(start_paused = true)]
async fn h6_an_info_of_a_step_follows_the_output_of_its_input() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let step = repeater(&book, "step", 1, |options| options).await;
    step.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    settle().await;
    for (events, info) in [(vec![1, 2], "i1"), (vec![3], "i2")] {
        told.cast(Emit(events)).unwrap();
        settle().await;
        step.info(info).await.unwrap();
    }
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&step.producer(), temporary()).await.unwrap();
    book.settled().await;
    // In GenStage each info needs separate demand, and comes one ask later.
    for (event, info) in [(1, None), (2, Some("i1")), (3, Some("i2"))] {
        ask(&subscription, 1);
        let seen = book.settled().await;
        assert_eq!(batches(&seen, "peer"), [[event]]);
        for note in ["i1", "i2"] {
            assert_eq!(seen.contains(&("step", Seen::Note(note))), info == Some(note), "{seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn h2_credit_of_a_lost_consumer_absorbs_the_next_asks() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.dispatcher(DemandDispatcher::new())).await;
    let lost = bare(&book, "lost").await;
    ask(&lost.subscribe(&told.producer(), temporary()).await.unwrap(), 10);
    settle().await;
    lost.abort();
    let next = bare(&book, "next").await;
    let subscription = next.subscribe(&told.producer(), temporary()).await.unwrap();
    assert_eq!(demands(&book.settled().await, "told"), [10]);
    for demand in [vec![], vec![], vec![2]] {
        ask(&subscription, 4);
        assert_eq!(demands(&book.settled().await, "told"), demand);
    }
}

#[tokio::test(start_paused = true)]
async fn asks_of_several_consumers_are_delivered_one_by_one() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    for name in ["first", "second", "third"] {
        let probe = probe(&book, name).await;
        probe.subscribe(&told.producer(), usual()).await.unwrap();
    }
    assert_eq!(demands(&book.settled().await, "told"), [1000, 1000, 1000]);
}

#[tokio::test(start_paused = true)]
async fn j0_a_selector_that_rejects_everything_brings_no_empty_batch() {
    // In GenStage, a consumer with manual demand is called with no events.
    let mut book = Book::new();
    let told = told(&book, "told", |options| options.dispatcher(BroadcastDispatcher::new())).await;
    let peer = bare(&book, "peer").await;
    let share = DispatchOptions::new().selector(|event: &u64| *event > 100);
    let subscription = peer.subscribe(&told.producer(), temporary().share(share)).await.unwrap();
    ask(&subscription, 5);
    settle().await;
    told.cast(Emit(range(0..5))).unwrap();
    assert_eq!(batches(&book.settled().await, "peer"), Vec::<Vec<u64>>::new());
    told.cast(Emit(vec![101])).unwrap();
    assert_eq!(batches(&book.settled().await, "peer"), [[101]], "what was rejected used no credit");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_dead_producer_follows_all_its_events() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let subscription =
        probe.subscribe(&told.producer(), permanent().max_demand(4).min_demand(2)).await.unwrap();
    subscription.pause();
    settle().await;
    told.cast(Emit(range(0..4))).unwrap();
    settle().await;
    told.abort();
    settle().await;
    subscription.resume();
    let aborted = ExitReason::Aborted.to_string();
    let expected = [
        Seen::Subscribed(Role::Producer),
        Seen::Batch(range(0..2)),
        Seen::Batch(range(2..4)),
        Seen::Cancelled(Role::Producer, CancelKind::Down, aborted.clone()),
        Seen::Ended(aborted),
    ];
    assert_eq!(book.settled_of("probe").await, expected);
}

#[tokio::test(start_paused = true)]
async fn events_sent_before_a_cancel_are_handled_before_it() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let subscription = probe.subscribe(&told.producer(), temporary()).await.unwrap();
    subscription.pause();
    settle().await;
    told.cast(Emit(range(0..4))).unwrap();
    settle().await;
    subscription.cancel(oops());
    settle().await;
    subscription.resume();
    let expected = [
        Seen::Subscribed(Role::Producer),
        Seen::Batch(range(0..4)),
        Seen::Cancelled(Role::Producer, CancelKind::Cancelled, oops().to_string()),
    ];
    assert_eq!(book.settled_of("probe").await, expected);
}

/// Emits once, and ends when the event has left.
struct Last;

#[derive(Debug)]
struct HasLeft;

impl Producer for Last {
    type Event = u64;

    async fn handle_demand(&mut self, _demand: Demand, _out: &mut Emitter<'_, u64>) -> StageResult {
        Ok(())
    }
}

impl Cast<Emit> for Last {
    type Out = u64;

    async fn handle_cast(&mut self, Emit(events): Emit, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        out.info::<Self, _>(HasLeft)?;
        Ok(())
    }
}

impl Cast<HasLeft> for Last {
    type Out = u64;

    async fn handle_cast(&mut self, _has_left: HasLeft, _out: &mut Emitter<'_, u64>) -> StageResult {
        Err(ExitReason::Normal.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_ends_on_an_info_to_itself_has_delivered_everything() {
    let mut book = Book::new();
    let last = spawn::producer(Last, StageOptions::named("last")).await.unwrap();
    last.cast(Emit(range(0..10))).unwrap();
    let probe = probe(&book, "probe").await;
    probe.subscribe(&last.producer(), window(4, 0)).await.unwrap();
    assert_reason(&soon(last.ended()).await, &ExitReason::Normal);
    assert_reason(&soon(probe.ended()).await, &ExitReason::Normal);
    assert_eq!(book.batches("probe").await.concat(), range(0..10));
}

#[tokio::test(start_paused = true)]
async fn an_ask_beyond_the_first_is_served_and_logged() {
    let book = Book::new();
    let warnings = Warnings::watch();
    let told = told(&book, "told", |options| options).await;
    let peer = bare(&book, "peer").await;
    let subscription = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&subscription, 10);
    ask(&subscription, 3);
    settle().await;
    assert!(warnings.all().is_empty());
    ask(&subscription, 11);
    settle().await;
    let [warning] = &warnings.all()[..] else { panic!("{warnings:?}") };
    assert!(
        warning.text.contains("11") && warning.text.contains("10") && warning.text.contains("peer"),
        "{warning:?}"
    );
}
