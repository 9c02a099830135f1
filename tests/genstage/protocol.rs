//! Section 10: subscriptions cannot be confused, and late messages do no harm.

use super::support::{Book, Emit, Seen, ask, bare, oops, range, settle, temporary, told};

#[tokio::test(start_paused = true)]
async fn g097_every_subscription_of_a_pair_is_separate() {
    let mut book = Book::new();
    let (told, peer) = (told(&book, "told", |options| options).await, bare(&book, "peer").await);
    let first = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    let second = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    assert_ne!(first, second);
    ask(&second, 2);
    settle().await;
    // The end of the first one does not end the second one.
    first.cancel(oops());
    settle().await;
    told.cast(Emit(range(0..2))).unwrap();
    assert_eq!(book.seen("peer", Seen::Batch(range(0..2))).await, Some(second.clone()));
    assert_eq!(peer.inspect().await.unwrap().producers, [second]);
}

#[tokio::test(start_paused = true)]
async fn asks_and_cancels_of_a_subscription_that_has_ended_do_nothing() {
    let mut book = Book::new();
    let (told, peer) = (told(&book, "told", |options| options).await, bare(&book, "peer").await);
    let old = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    old.cancel(oops());
    settle().await;
    // The next one may reuse its slot.
    let new = peer.subscribe(&told.producer(), temporary()).await.unwrap();
    book.settled().await;
    ask(&old, 5);
    old.cancel(oops());
    old.detach();
    assert_eq!(book.settled().await, []);
    assert_eq!(told.inspect().await.unwrap().consumers, [new]);
}

#[tokio::test(start_paused = true)]
async fn g100_events_that_arrive_after_a_consumer_left_are_not_handled_and_go_to_the_next() {
    let mut book = Book::new();
    let told = told(&book, "told", |options| options).await;
    let (leaver, next) = (bare(&book, "leaver").await, bare(&book, "next").await);
    let leaving = leaver.subscribe(&told.producer(), temporary()).await.unwrap();
    ask(&leaving, 5);
    leaving.pause();
    settle().await;
    told.cast(Emit(range(0..5))).unwrap();
    settle().await;
    assert_eq!(told.inspect().await.unwrap().buffered, 0, "they are on their way");
    leaving.detach();
    ask(&next.subscribe(&told.producer(), temporary()).await.unwrap(), 10);
    let seen = book.settled().await;
    assert!(!seen.iter().any(|(by, seen)| *by == "leaver" && matches!(seen, Seen::Batch(_))), "{seen:?}");
    assert!(seen.contains(&("next", Seen::Batch(range(0..5)))), "{seen:?}");
}
