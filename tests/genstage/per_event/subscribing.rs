//! Section 21: subscribing.

use stage_core::registry::Registry;
use stage_core::spawn::StageOptions;
use stage_core::testing::{ManualProducer, settle};
use stage_core::{CancelMode, ExitReason, SubscribeOptions};

use super::support::{Job, jobs, start};
use crate::support::{assert_reason, soon, usual, window};

async fn source() -> ManualProducer<Job> {
    ManualProducer::spawn(StageOptions::named("source")).await
}

#[tokio::test(start_paused = true)]
async fn g199_to_subscribe_gives_the_subscription() {
    let (stage, _children) = start(jobs()).await;
    let mut source = source().await;
    let subscription = soon(stage.subscribe(&source.producer(), window(7, 3))).await.unwrap();
    assert_eq!((&*subscription.producer(), &*subscription.consumer()), ("source", "supervisor"));
    assert_eq!(source.next_subscriber().await, subscription);
    assert_eq!(source.next_demand().await, 7);
}

#[tokio::test(start_paused = true)]
async fn g200_wrong_demand_is_an_error_that_names_the_bounds() {
    let (stage, _children) = start(jobs()).await;
    let source = source().await;
    let zero = stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(0)).await.unwrap_err();
    assert_eq!(zero.to_string(), "max_demand must be at least 1, got 0");
    let large = stage.subscribe(&source.producer(), window(1000, 2000)).await.unwrap_err();
    assert_eq!(large.to_string(), "min_demand must be between 0 and 999 (max_demand - 1), got 2000");
}

#[tokio::test(start_paused = true)]
async fn g201_a_permanent_subscription_to_an_unknown_name_ends_the_stage() {
    let (stage, _children) = start(jobs()).await;
    let unknown = Registry::new().producer("unknown");
    soon(stage.subscribe(&unknown, usual())).await.expect("made, if doomed");
    assert_reason(&soon(stage.ended()).await, &ExitReason::NotFound);
}

#[tokio::test(start_paused = true)]
async fn g202_a_permanent_subscription_to_an_ended_producer_ends_the_stage() {
    let (stage, _children) = start(jobs()).await;
    let source = source().await;
    source.stop(ExitReason::Normal).await;
    soon(stage.subscribe(&source.producer(), usual())).await.expect("made, if doomed");
    assert_reason(&soon(stage.ended()).await, &ExitReason::NotFound);
}

#[tokio::test(start_paused = true)]
async fn g204_a_temporary_subscription_to_an_ended_producer_leaves_the_stage_alone() {
    let (stage, _children) = start(jobs()).await;
    let source = source().await;
    source.stop(ExitReason::Normal).await;
    let temporary = usual().cancel(CancelMode::Temporary);
    soon(stage.subscribe(&source.producer(), temporary)).await.expect("made, if doomed");
    settle().await;
    assert!(stage.inspect().await.unwrap().producers.is_empty(), "it is gone, and the stage is not");
}
