//! Section 7: callbacks of a producer, its replies, and its end.

use stage_core::ExitReason;
use stage_core::subscribe::{CancelKind, Role};

use super::support::{
    Book, Emit, ReplyThenWait, Seen, StopWith, ask, assert_reason, bare, counter, oops, probe, settle, soon,
    temporary, told, window,
};

#[tokio::test(start_paused = true)]
async fn g059_a_producer_is_notified_of_its_subscriber() {
    let mut book = Book::new();
    let (counter, probe) = (counter(&book, "counter").await, probe(&book, "probe").await);
    let subscription = probe.subscribe(&counter.producer(), temporary()).await.unwrap();
    let told = book.seen("counter", Seen::Subscribed(Role::Consumer)).await.unwrap();
    assert_eq!(told, subscription);
    assert_eq!(&*told.consumer(), "probe");
}

#[tokio::test(start_paused = true)]
async fn g061_a_producer_is_notified_of_a_cancel_and_its_reason() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let subscription = probe.subscribe(&told.producer(), temporary()).await.unwrap();
    subscription.cancel(oops());
    let cancelled = book.cancelled("told", Role::Consumer, CancelKind::Cancelled, &oops()).await;
    assert_eq!(cancelled, Some(subscription));
}

#[tokio::test(start_paused = true)]
async fn g062_a_producer_is_notified_of_a_consumer_cut_off() {
    let mut book = Book::new();
    let (told, probe) = (told(&book, "told", |options| options).await, probe(&book, "probe").await);
    let subscription = probe.subscribe(&told.producer(), temporary()).await.unwrap();
    probe.abort();
    let down = book.cancelled("told", Role::Consumer, CancelKind::Down, &ExitReason::Aborted).await;
    assert_eq!(down, Some(subscription));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_after_the_events_of_its_callback() {
    let mut book = Book::new();
    let (told, peer) = (told(&book, "told", |options| options).await, bare(&book, "peer").await);
    let subscription = peer.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    ask(&subscription, 10);
    settle().await;
    soon(told.call(Emit(vec![1, 2]))).await.unwrap();
    book.log("caller").note(Seen::Note("answered"));
    let order: Vec<_> = book.settled().await.into_iter().filter(|(by, _)| *by != "told").skip(1).collect();
    assert_eq!(order, [("peer", Seen::Batch(vec![1, 2])), ("caller", Seen::Note("answered"))]);
}

#[tokio::test(start_paused = true)]
async fn g064_a_call_may_be_answered_before_its_callback_emits() {
    let mut book = Book::new();
    let (told, peer) = (told(&book, "told", |options| options).await, bare(&book, "peer").await);
    let subscription = peer.subscribe(&told.producer(), window(10, 5)).await.unwrap();
    ask(&subscription, 10);
    let (go, may_go) = tokio::sync::oneshot::channel();
    soon(told.call(ReplyThenWait(may_go))).await.unwrap();
    // Answered, but the callback has not emitted yet.
    assert_eq!(book.batches("peer").await, Vec::<Vec<u64>>::new());
    go.send(vec![1, 2]).unwrap();
    assert_eq!(book.batches("peer").await, [[1, 2]]);
}

#[tokio::test(start_paused = true)]
async fn g065_a_call_may_end_the_stage_and_is_answered_after_terminate() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    soon(told.call(StopWith(ExitReason::Shutdown))).await.expect("an answer");
    book.log("caller").note(Seen::Note("answered"));
    let order = [("told", Seen::Ended(ExitReason::Shutdown.to_string())), ("caller", Seen::Note("answered"))];
    assert_eq!(book.settled().await, order);
    assert_reason(&soon(told.ended()).await, &ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn g067_a_stop_runs_terminate() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    assert_reason(&soon(told.stop(ExitReason::Normal)).await, &ExitReason::Normal);
    assert_eq!(book.settled().await, [("told", Seen::Ended(ExitReason::Normal.to_string()))]);
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_is_cut_off_does_not_terminate() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    told.abort();
    assert_reason(&soon(told.ended()).await, &ExitReason::Aborted);
    assert_eq!(book.settled().await, []);
}
