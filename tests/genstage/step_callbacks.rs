//! Section 9: callbacks of a producer-consumer on both sides, and its end with a producer.

use stage_core::spawn::DemandMode;
use stage_core::subscribe::{CancelKind, Role, Subscription};
use stage_core::{ExitReason, SubscribeOptions};

use super::support::{
    Book, CounterRef, DoublerRef, ProbeRef, Seen, assert_reason, doubler, oops, permanent, probe, settle,
    soon, temporary, told, transient,
};

/// A producer-consumer and a single neighbour on one side.
struct Beside<N> {
    neighbour: N,
    doubler: DoublerRef,
    subscription: Subscription,
}

async fn above(book: &Book, options: SubscribeOptions<u64>) -> Beside<CounterRef> {
    let (neighbour, doubler) = (told(book, "told", |options| options).await, doubler(book, "doubler").await);
    let subscription = doubler.subscribe(&neighbour.producer(), options).await.unwrap();
    settle().await;
    Beside { neighbour, doubler, subscription }
}

async fn below(book: &Book) -> Beside<ProbeRef> {
    let (doubler, neighbour) = (doubler(book, "doubler").await, probe(book, "probe").await);
    let subscription = neighbour.subscribe(&doubler.producer(), temporary()).await.unwrap();
    settle().await;
    Beside { neighbour, doubler, subscription }
}

impl<N> Beside<N> {
    /// Returns whether it has outlived its neighbour.
    async fn lives(&self) -> bool {
        settle().await;
        self.doubler.inspect().await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn g084_a_step_is_notified_of_its_subscriber() {
    let mut book = Book::new();
    let step = below(&book).await;
    let told = book.seen("doubler", Seen::Subscribed(Role::Consumer)).await.unwrap();
    assert_eq!(told, step.subscription);
    assert_eq!(&*told.consumer(), "probe");
}

#[tokio::test(start_paused = true)]
async fn g086_a_step_is_notified_of_the_cancel_of_a_consumer() {
    let mut book = Book::new();
    let step = below(&book).await;
    step.subscription.cancel(oops());
    let cancelled = book.cancelled("doubler", Role::Consumer, CancelKind::Cancelled, &oops()).await;
    assert_eq!(cancelled.as_ref(), Some(&step.subscription));
    assert!(step.lives().await);
}

#[tokio::test(start_paused = true)]
async fn g087_a_step_is_notified_of_a_consumer_cut_off() {
    let mut book = Book::new();
    let step = below(&book).await;
    step.neighbour.abort();
    book.cancelled("doubler", Role::Consumer, CancelKind::Down, &ExitReason::Aborted).await;
    assert!(step.lives().await);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_notified_of_its_producer() {
    let mut book = Book::new();
    let step = above(&book, temporary()).await;
    let told = book.seen("doubler", Seen::Subscribed(Role::Producer)).await.unwrap();
    assert_eq!(told, step.subscription);
}

#[tokio::test(start_paused = true)]
async fn g090_a_cancelled_temporary_subscription_calls_back_and_is_survived() {
    let mut book = Book::new();
    let step = above(&book, temporary()).await;
    step.subscription.cancel(oops());
    book.cancelled("doubler", Role::Producer, CancelKind::Cancelled, &oops()).await;
    assert!(step.lives().await);
}

#[tokio::test(start_paused = true)]
async fn g091_a_permanent_subscription_that_is_cancelled_ends_the_step() {
    let mut book = Book::new();
    let step = above(&book, permanent()).await;
    book.settled().await;
    step.subscription.cancel(oops());
    assert_reason(&soon(step.doubler.ended()).await, &oops());
    let cancelled = Seen::Cancelled(Role::Producer, CancelKind::Cancelled, oops().to_string());
    assert_eq!(book.settled_of("doubler").await, [cancelled, Seen::Ended(oops().to_string())]);
}

#[tokio::test(start_paused = true)]
async fn g092_a_temporary_subscription_to_a_producer_that_is_cut_off_is_outlived() {
    let mut book = Book::new();
    let step = above(&book, temporary()).await;
    step.neighbour.abort();
    book.cancelled("doubler", Role::Producer, CancelKind::Down, &ExitReason::Aborted).await;
    assert!(step.lives().await);
}

#[tokio::test(start_paused = true)]
async fn a_transient_subscription_to_a_producer_that_ends_normally_is_outlived() {
    let mut book = Book::new();
    let step = above(&book, transient()).await;
    step.neighbour.stop(ExitReason::Shutdown).await;
    book.cancelled("doubler", Role::Producer, CancelKind::Down, &ExitReason::Shutdown).await;
    assert!(step.lives().await);
}

/// Cuts off the producer: the step is notified, and then ends for the same reason.
async fn ends_with_a_producer_that_is_cut_off(options: SubscribeOptions<u64>) {
    let mut book = Book::new();
    let step = above(&book, options).await;
    book.settled().await;
    step.neighbour.abort();
    assert_reason(&soon(step.doubler.ended()).await, &ExitReason::Aborted);
    let aborted = ExitReason::Aborted.to_string();
    let down = Seen::Cancelled(Role::Producer, CancelKind::Down, aborted.clone());
    assert_eq!(book.settled_of("doubler").await, [down, Seen::Ended(aborted)]);
}

#[tokio::test(start_paused = true)]
async fn g094_a_transient_subscription_to_a_producer_that_is_cut_off_ends_the_step() {
    ends_with_a_producer_that_is_cut_off(transient()).await;
}

#[tokio::test(start_paused = true)]
async fn g095_a_permanent_subscription_to_a_producer_that_is_cut_off_ends_the_step() {
    ends_with_a_producer_that_is_cut_off(permanent()).await;
}

#[tokio::test(start_paused = true)]
async fn g096_a_step_can_be_asked_for_its_neighbours_and_its_buffer() {
    let book = Book::new();
    let step = above(&book, temporary()).await;
    let probe = probe(&book, "probe").await;
    let down = probe.subscribe(&step.doubler.producer(), temporary()).await.unwrap();
    settle().await;
    let inspection = step.doubler.inspect().await.unwrap();
    assert_eq!((inspection.producers, inspection.consumers), (vec![step.subscription], vec![down]));
    assert_eq!((inspection.buffered, inspection.mode), (0, DemandMode::Forward));
}
