//! Stall detection: a stalled stage is named with what it waits for, and no other stage is.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_core::batch::{Batcher, Limits};
use stage_core::stage::Hold;
use stage_core::testing::{Warnings, settle};
use stage_core::{
    Backoff, Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions, Supervisor, sink,
};
use tokio::sync::Semaphore;

const LONG: Duration = Duration::from_secs(10);

/// Returns the reports about stalled stages, once all activity has ceased.
async fn told(running: &Running) -> Vec<String> {
    settle().await;
    running.stalls(LONG).await.iter().map(ToString::to_string).collect()
}

/// Endless doubled numbers into copies of a sink that handles one event per permit, and never the double of 13.
fn gated(gate: &Arc<Semaphore>, copies: usize) -> Pipeline {
    let gate = Arc::clone(gate);
    Pipeline::builder("gated")
        .start_fn("numbers", || Ok(0_u64..))
        .step_fn("double", |number| number * 2)
        .finish(StepOptions::named("sink").count(copies).max_demand(4), move || {
            let gate = Arc::clone(&gate);
            Ok(sink::for_each_async(move |number: u64| {
                let gate = Arc::clone(&gate);
                async move {
                    if number == 26 {
                        std::future::pending::<()>().await;
                    }
                    gate.acquire().await?.forget();
                    Ok(())
                }
            }))
        })
}

#[tokio::test(start_paused = true)]
async fn a_stage_whose_callback_does_not_return_is_named_with_the_cause() {
    let running = gated(&Arc::new(Semaphore::new(0)), 1).start().await.unwrap();
    settle().await;
    let stalls = running.stalls(LONG).await;
    let sink = stalls.iter().find(|stall| stall.stage == "sink/0").unwrap();
    assert_eq!(
        sink.to_string(),
        "the stage `sink/0` has made no progress for 10s: it holds 4 events and waits for its callback, which has not returned"
    );
    let step = stalls.iter().find(|stall| stall.stage == "double/0").unwrap();
    assert!(step.to_string().ends_with("waits for demand from `sink/0`"), "{step}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_stalled_copy_is_named_while_the_others_continue() {
    let gate = Arc::new(Semaphore::new(0));
    let running = gated(&gate, 3).start().await.unwrap();
    let feed = tokio::spawn(async move {
        loop {
            gate.add_permits(1);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    // One copy gets stuck at the double of 13.
    assert_ne!(running.stalls(LONG).await.len(), 3);
    let stalls = running.stalls(LONG).await;
    let names: Vec<_> = stalls.iter().map(|stall| &*stall.stage).collect();
    assert_eq!(names.len(), 1, "{stalls:?}");
    assert!(names[0].starts_with("sink/"));
    feed.abort();
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_has_nothing_to_do_is_not_stalled() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let receiver = Mutex::new(Some(receiver));
    let running = Pipeline::builder("idle")
        .start("numbers", move || {
            let receiver = receiver.lock().unwrap().take().ok_or("taken")?;
            Ok(stage_core::source::from_channel(receiver))
        })
        .finish_fn("sink", |_: u64| ())
        .start()
        .await
        .unwrap();
    sender.send(1).await.unwrap();
    assert_eq!(told(&running).await, Vec::<String>::new());
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_keeps_events_inside_is_reported() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let receiver = Mutex::new(Some(receiver));
    let running = Pipeline::builder("batches")
        .start("numbers", move || {
            let receiver = receiver.lock().unwrap().take().ok_or("taken")?;
            Ok(stage_core::source::from_channel(receiver))
        })
        .step("patient", || Ok(Batcher::new(Limits::count(100).within(Duration::from_mins(1)))?))
        .finish_fn("sink", |_: Vec<u64>| ())
        .start()
        .await
        .unwrap();
    sender.send(1).await.unwrap();
    sender.send(2).await.unwrap();
    let told = told(&running).await;
    let expected =
        "the stage `patient/0` has made no progress for 10s: it holds 2 events and waits for a timer due in";
    assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
    running.stop().await.unwrap();
}

/// Acquires a hold for each batch, and never releases it.
#[derive(Default)]
struct Leaves {
    held: Vec<Hold>,
}

impl Consumer for Leaves {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        self.held.push(cx.hold());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_stage_is_named_with_its_holds() {
    let running = Pipeline::builder("held")
        .start_fn("numbers", || Ok(0..20_u64))
        .finish(StepOptions::named("leaves").max_demand(10).min_demand(1), || Ok(Leaves::default()))
        .start()
        .await
        .unwrap();
    assert_eq!(
        told(&running).await,
        [
            "the stage `leaves/0` has made no progress for 10s: it holds 0 events and waits for 4 holds to be dropped"
        ]
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stage_down_until_its_restart_is_named_and_so_is_its_waiter() {
    let hour = Duration::from_hours(1);
    let running = Pipeline::builder("down")
        .backoff(Backoff::new(hour, hour))
        .start_fn("numbers", || Ok(0_u64..))
        .finish_fn("breaks", |number| assert!(number < 20, "broken"))
        .start()
        .await
        .unwrap();
    let told = told(&running).await;
    assert!(
        told.iter()
            .any(|told| told.starts_with("the stage `breaks/0`") && told.ends_with("waits for its restart")),
        "{told:?}"
    );
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stage_within_a_supervisor_is_named_by_its_whole_path() {
    let gate = Arc::new(Semaphore::new(0));
    let running =
        Supervisor::new("all").pipeline("inner", move || Ok(gated(&gate, 1))).start().await.unwrap();
    settle().await;
    let stalls = running.stalls(LONG).await;
    assert!(stalls.iter().any(|stall| stall.stage == "inner/sink/0"), "{stalls:?}");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_reported_once_and_again_after_progress() {
    let warnings = Warnings::capture();
    let gate = Arc::new(Semaphore::new(0));
    let given = Arc::clone(&gate);
    let running = Pipeline::builder("warned")
        .warn_of_stalls(LONG)
        .start_fn("numbers", || Ok(0_u64..))
        .finish(StepOptions::named("sink").max_demand(1), move || {
            let gate = Arc::clone(&given);
            Ok(sink::for_each_async(move |_| {
                let gate = Arc::clone(&gate);
                async move {
                    gate.acquire().await?.forget();
                    Ok(())
                }
            }))
        })
        .start()
        .await
        .unwrap();
    tokio::time::sleep(LONG * 4).await;
    let told = warnings.take();
    assert_eq!(told.len(), 1, "{told:?}");
    let (message, _fields) = told[0].split_once(" stage=").unwrap();
    assert!(
        message.contains("`sink/0`") && message.ends_with("waits for its callback, which has not returned")
    );
    gate.add_permits(1);
    tokio::time::sleep(LONG * 4).await;
    assert_eq!(warnings.take().len(), 1);
    running.stop().await.unwrap();
}
