//! Stage names, and subscriptions that are renewed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use stage_core::dispatch::{DispatchOptions, PartitionDispatcher};
use stage_core::registry::Registry;
use stage_core::spawn::{StageOptions, consumer, producer};
use stage_core::stage::{ForEach, FromIter};
use stage_core::subscribe::SubscribeError;
use stage_core::testing::{ManualProducer, Probe, settle};
use stage_core::{Backoff, CancelMode, ExitReason, SubscribeOptions, Window};
use tokio::time::Instant;

fn in_seconds(seconds: u64) -> Backoff {
    Backoff::new(Duration::from_secs(seconds), Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_name_belongs_to_a_running_stage_and_is_free_after_its_end() {
    let registry = Registry::new();
    let first = producer(FromIter::new(0..3_u32), StageOptions::named("first")).await.unwrap();
    let second = producer(FromIter::new(0..3_u32), StageOptions::named("second")).await.unwrap();
    registry.register("numbers", &first).unwrap();
    let taken = registry.register("numbers", &second).unwrap_err();
    assert_eq!(taken.to_string(), "the name `numbers` is taken by a running stage");
    assert_eq!(registry.names(), ["numbers"]);
    first.stop(ExitReason::Normal).await;
    assert_eq!(registry.names(), Vec::<String>::new());
    registry.register("numbers", &second).unwrap();
    let found =
        registry.stage::<FromIter<std::ops::Range<u32>>, stage_core::Nothing, u32>("numbers").unwrap();
    assert_eq!(found.name(), "second");
    assert!(registry.unregister("numbers") && !registry.unregister("numbers"));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let registry = Registry::new();
    let stage = producer(FromIter::new(0..3_u32), StageOptions::new()).await.unwrap();
    registry.register("left", &stage).unwrap();
    registry.register("right", &stage).unwrap();
    let unknown = registry.stage::<ForEach<fn(u32), u32>, u32, stage_core::Nothing>("wright").unwrap_err();
    assert_eq!(unknown.to_string(), "no running stage is named `wright`; running stages: left, right");
    let other = registry.stage::<String, u32, u32>("left").unwrap_err();
    assert_eq!(other.to_string(), "the stage named `left` is not a `alloc::string::String`");
}

#[tokio::test(start_paused = true)]
async fn a_name_can_be_given_by_another_name_of_the_stage() {
    let registry = Registry::new();
    let stage = producer(FromIter::new(0..3_u32), StageOptions::named("first")).await.unwrap();
    registry.register("numbers", &stage).unwrap();
    registry.register_producer("digits", &registry.producer::<u32>("numbers")).unwrap();
    assert_eq!(registry.names(), ["digits", "numbers"]);
    let itself = registry.register_producer("self", &registry.producer::<u32>("self")).unwrap_err();
    assert_eq!(itself.to_string(), "no running stage is named `self`; running stages: digits, numbers");
    stage.stop(ExitReason::Normal).await;
    assert_eq!(registry.names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_to_an_unknown_name_ends_by_its_mode() {
    let registry = Registry::new();
    for (mode, ends) in
        [(CancelMode::Permanent, true), (CancelMode::Transient, true), (CancelMode::Temporary, false)]
    {
        let (probe, mut seen) = Probe::<u32>::new();
        let stage = consumer(probe, StageOptions::new()).await.unwrap();
        let options = SubscribeOptions::new().cancel(mode);
        stage.subscribe(&registry.producer("nobody"), options).await.unwrap();
        let (_, cancellation) = seen.next_end().await;
        assert!(matches!(cancellation.reason, ExitReason::NotFound));
        settle().await;
        assert_eq!(stage.has_ended(), ends);
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_to_a_stage_of_other_events_is_refused() {
    let registry = Registry::new();
    let stage = producer(FromIter::new(0..3_u32), StageOptions::new()).await.unwrap();
    registry.register("numbers", &stage).unwrap();
    let (probe, mut seen) = Probe::<String>::new();
    let stage = consumer(probe, StageOptions::new()).await.unwrap();
    stage.subscribe(&registry.producer("numbers"), SubscribeOptions::new()).await.unwrap();
    let (_, cancellation) = seen.next_end().await;
    let ExitReason::Error(error) = cancellation.reason else { panic!("an error") };
    let error = error.downcast_ref::<SubscribeError>().unwrap();
    assert!(matches!(error, SubscribeError::OtherEvents { emits: "u32", .. }));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_renewed_when_the_name_moves_to_another_stage() {
    let registry = Registry::new();
    let first = ManualProducer::<u32>::spawn(StageOptions::named("first")).await;
    registry.register_producer("source", &first.producer()).unwrap();
    let (probe, mut seen) = Probe::<u32>::new();
    let stage = consumer(probe, StageOptions::new()).await.unwrap();
    let options = SubscribeOptions::new().resubscribe(in_seconds(10));
    stage.subscribe(&registry.producer("source"), options).await.unwrap();
    first.emit([1]);
    assert_eq!(seen.next_batch().await, [1]);
    let begin = Instant::now();
    first.crash("oops");
    seen.next_end().await;
    // The first attempts find no stage.
    seen.next_end().await;
    let second = ManualProducer::<u32>::spawn(StageOptions::named("second")).await;
    registry.register_producer("source", &second.producer()).unwrap();
    second.emit([2]);
    assert_eq!(seen.next_batch().await, [2]);
    assert!((10..=20).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    // A normal end is final.
    second.finish();
    assert!(matches!(stage.ended().await, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn a_renewed_subscription_asks_by_the_last_window() {
    let registry = Registry::new();
    let mut first = ManualProducer::<u32>::spawn(StageOptions::named("first")).await;
    registry.register_producer("source", &first.producer()).unwrap();
    let (probe, _seen) = Probe::<u32>::new();
    let stage = consumer(probe, StageOptions::new()).await.unwrap();
    let options = SubscribeOptions::new().max_demand(10).resubscribe(in_seconds(1));
    let subscription = stage.subscribe(&registry.producer("source"), options).await.unwrap();
    assert_eq!(first.next_demand().await, 10);
    subscription.set_window(Window::new(15, 5).unwrap());
    first.crash("oops");
    let mut second = ManualProducer::<u32>::spawn(StageOptions::named("second")).await;
    registry.register_producer("source", &second.producer()).unwrap();
    assert_eq!(second.next_demand().await, 15);
}

#[tokio::test(start_paused = true)]
async fn when_the_attempts_are_used_up_the_mode_counts() {
    let registry = Registry::new();
    let (probe, mut seen) = Probe::<u32>::new();
    let stage = consumer(probe, StageOptions::new()).await.unwrap();
    let options = SubscribeOptions::new().resubscribe(in_seconds(1).attempts(3));
    stage.subscribe(&registry.producer("nobody"), options).await.unwrap();
    assert!(matches!(stage.ended().await, ExitReason::NotFound));
    assert_eq!(seen.ends().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_taken_is_waited_for() {
    let options = StageOptions::new().dispatcher(PartitionDispatcher::hashed(1).unwrap());
    let source = ManualProducer::<u32>::spawn(options).await;
    let to_first = || SubscribeOptions::new().share(DispatchOptions::new().partition(0));
    let (probe, _first_seen) = Probe::<u32>::new();
    let first = consumer(probe, StageOptions::new()).await.unwrap();
    first.subscribe(&source.producer(), to_first()).await.unwrap();
    let (probe, mut seen) = Probe::<u32>::new();
    let second = consumer(probe, StageOptions::new()).await.unwrap();
    let options = to_first().resubscribe(in_seconds(1));
    second.subscribe(&source.producer(), options).await.unwrap();
    let (_, cancellation) = seen.next_end().await;
    assert!(cancellation.reason.to_string().contains("partition 0 already has a subscriber"));
    first.stop(ExitReason::Normal).await;
    source.emit([7]);
    assert_eq!(seen.next_batch().await, [7]);
}
