//! Section 8: the start of a consumer, its callbacks, and its end with a producer.

use stage_core::registry::Registry;
use stage_core::subscribe::{CancelKind, Role, Subscription};
use stage_core::{CancelMode, ExitReason, Init, SubscribeOptions};

use super::support::{
    Book, CounterRef, ProbeRef, Seen, assert_reason, oops, permanent, probe, probe_that_starts, settle, soon,
    temporary, told, transient, usual,
};

#[tokio::test(start_paused = true)]
async fn g069_a_consumer_may_fail_to_start_or_decline_or_find_its_name_taken() {
    let book = Book::new();
    let failed = probe_that_starts(&book, "failing", Err(oops())).await.unwrap_err();
    assert_eq!((&*failed.stage, failed.reason.to_string()), ("failing", "oops".to_owned()));
    let declined = probe_that_starts(&book, "declining", Ok(Init::Declined)).await.unwrap();
    assert_reason(&soon(declined.ended()).await, &ExitReason::Normal);
    let first = probe_that_starts(&book, "first", Ok(Init::Ready)).await.unwrap();
    let second = probe_that_starts(&book, "second", Ok(Init::Ready)).await.unwrap();
    let registry = Registry::new();
    registry.register("name", &first).unwrap();
    let taken = registry.register("name", &second).unwrap_err();
    assert!(taken.to_string().contains("name"), "{taken}");
}

/// Returns a consumer of a silent producer.
async fn pair(book: &Book, options: SubscribeOptions<u64>) -> (CounterRef, ProbeRef, Subscription) {
    let (told, probe) = (told(book, "told", |options| options).await, probe(book, "probe").await);
    let subscription = probe.subscribe(&told.producer(), options).await.unwrap();
    settle().await;
    (told, probe, subscription)
}

/// Returns whether the consumer has outlived its subscription.
async fn lives(probe: &ProbeRef) -> bool {
    settle().await;
    probe.inspect().await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn g070_a_consumer_is_notified_of_its_producer() {
    let mut book = Book::new();
    let (_told, _probe, subscription) = pair(&book, temporary()).await;
    let told = book.seen("probe", Seen::Subscribed(Role::Producer)).await.unwrap();
    assert_eq!(told, subscription);
    assert_eq!(&*told.producer(), "told");
}

#[tokio::test(start_paused = true)]
async fn g072_a_cancelled_temporary_subscription_calls_back_and_is_survived() {
    let mut book = Book::new();
    let (_told, probe, subscription) = pair(&book, temporary()).await;
    subscription.cancel(oops());
    book.cancelled("probe", Role::Producer, CancelKind::Cancelled, &oops()).await;
    assert!(lives(&probe).await);
}

#[tokio::test(start_paused = true)]
async fn a_transient_subscription_cancelled_normally_calls_back_and_is_survived() {
    let mut book = Book::new();
    let (_told, probe, subscription) = pair(&book, transient()).await;
    subscription.cancel(ExitReason::Shutdown);
    book.cancelled("probe", Role::Producer, CancelKind::Cancelled, &ExitReason::Shutdown).await;
    assert!(lives(&probe).await);
}

/// Cancels the subscription with `oops`: the consumer is notified, and then ends for the same reason.
async fn ends_with_the_reason_of_a_cancel(mode: CancelMode) {
    let mut book = Book::new();
    let (_told, probe, subscription) = pair(&book, usual().cancel(mode)).await;
    book.settled().await;
    subscription.cancel(oops());
    assert_reason(&soon(probe.ended()).await, &oops());
    let seen = book.settled_of("probe").await;
    let cancelled = Seen::Cancelled(Role::Producer, CancelKind::Cancelled, oops().to_string());
    assert_eq!(seen, [cancelled, Seen::Ended(oops().to_string())]);
}

#[tokio::test(start_paused = true)]
async fn g074_a_transient_subscription_that_is_cancelled_abnormally_ends_its_consumer() {
    ends_with_the_reason_of_a_cancel(CancelMode::Transient).await;
}

#[tokio::test(start_paused = true)]
async fn g075_a_permanent_subscription_that_is_cancelled_ends_its_consumer() {
    ends_with_the_reason_of_a_cancel(CancelMode::Permanent).await;
}

#[tokio::test(start_paused = true)]
async fn g076_a_temporary_subscription_to_a_producer_that_is_cut_off_is_outlived() {
    let mut book = Book::new();
    let (told, probe, _subscription) = pair(&book, temporary()).await;
    told.abort();
    book.cancelled("probe", Role::Producer, CancelKind::Down, &ExitReason::Aborted).await;
    assert!(lives(&probe).await);
}

/// Cuts off the producer: the consumer is notified, and then ends for the same reason.
async fn ends_with_a_producer_that_is_cut_off(options: SubscribeOptions<u64>) {
    let mut book = Book::new();
    let (told, probe, _subscription) = pair(&book, options).await;
    book.settled().await;
    told.abort();
    assert_reason(&soon(probe.ended()).await, &ExitReason::Aborted);
    let aborted = ExitReason::Aborted.to_string();
    let down = Seen::Cancelled(Role::Producer, CancelKind::Down, aborted.clone());
    assert_eq!(book.settled_of("probe").await, [down, Seen::Ended(aborted)]);
}

#[tokio::test(start_paused = true)]
async fn g077_a_transient_subscription_to_a_producer_that_is_cut_off_ends_its_consumer() {
    ends_with_a_producer_that_is_cut_off(transient()).await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_subscription_to_a_producer_that_is_cut_off_ends_its_consumer() {
    ends_with_a_producer_that_is_cut_off(permanent()).await;
}

#[tokio::test(start_paused = true)]
async fn g080_a_stop_runs_terminate() {
    let mut book = Book::new();
    let probe = probe(&book, "probe").await;
    assert_reason(&soon(probe.stop(ExitReason::Normal)).await, &ExitReason::Normal);
    assert_eq!(book.settled().await, [("probe", Seen::Ended(ExitReason::Normal.to_string()))]);
}

#[tokio::test(start_paused = true)]
async fn g082_a_consumer_can_be_asked_for_its_producers() {
    let book = Book::new();
    let (_told, probe, subscription) = pair(&book, temporary()).await;
    let inspection = probe.inspect().await.unwrap();
    assert_eq!((inspection.producers, inspection.consumers), (vec![subscription], vec![]));
}
