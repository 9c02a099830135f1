//! The busy time reported for a stage, compared with the duration of its callbacks.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stage_core::pipeline::Monitor;
use stage_core::testing::settle;
use stage_core::{Pipeline, StepOptions, sink, source};
use tokio::time::{advance, sleep};

const LONG: Duration = Duration::from_millis(20);

fn busy(monitor: &Monitor, step: &str) -> Duration {
    monitor.stats().iter().filter(|stage| stage.step == step).map(|stage| stage.busy).sum()
}

/// Returns whether a callback is long: one in 1,009 is, the others take no time.
fn is_long(number: u64) -> bool {
    number % 1009 == 1008
}

#[tokio::test(start_paused = true)]
async fn a_stage_whose_callbacks_are_mostly_short_and_now_and_then_long_was_busy_for_the_long_ones() {
    let report = Pipeline::builder("bimodal")
        .start_fn("numbers", || Ok(0..20_000_u64))
        .finish(StepOptions::named("sink").max_demand(1).min_demand(0), || {
            Ok(sink::for_each_async(|number| async move {
                if is_long(number) {
                    sleep(LONG).await;
                }
                Ok(())
            }))
        })
        .start()
        .await
        .unwrap()
        .join()
        .await
        .unwrap();
    assert_eq!(report.stages[1].busy, LONG * 19);
}

#[test]
fn a_stage_whose_long_callbacks_block_their_thread_was_busy_for_them() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let blocked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&blocked);
    let began = Instant::now();
    let report = runtime.block_on(async move {
        let running = Pipeline::builder("bimodal").start_fn("numbers", || Ok(0..10_000_u64)).finish_fn(
            StepOptions::named("sink").max_demand(1).min_demand(0),
            move |number| {
                if is_long(number) {
                    let began = Instant::now();
                    std::thread::sleep(LONG);
                    let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap();
                    count.fetch_add(nanos, Ordering::Relaxed);
                }
            },
        );
        running.start().await.unwrap().join().await.unwrap()
    });
    let (busy, blocked) = (report.stages[1].busy, Duration::from_nanos(blocked.load(Ordering::Relaxed)));
    assert!(blocked >= LONG * 9, "{blocked:?}");
    assert!(busy >= blocked && busy <= began.elapsed(), "{blocked:?} in callbacks, busy for {busy:?}");
}

#[tokio::test(start_paused = true)]
async fn a_callback_counts_as_busy_while_it_runs() {
    let running = Pipeline::builder("one")
        .start_fn("numbers", || Ok(0..10_u64))
        .finish("sink", || Ok(sink::for_each_async(|_: u64| std::future::pending())))
        .start()
        .await
        .unwrap();
    settle().await;
    let monitor = running.monitor();
    let before = busy(&monitor, "sink");
    advance(Duration::from_millis(900)).await;
    assert_eq!(busy(&monitor, "sink"), before + Duration::from_millis(900));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_its_input_is_not_busy() {
    let (sender, receiver) = tokio::sync::mpsc::channel(10);
    let receiver = source::from_channel(receiver);
    let running = Pipeline::builder("slow")
        .start("events", move || Ok(receiver.clone()))
        .finish("sink", || {
            Ok(sink::for_each_async(|_: u64| async {
                sleep(LONG).await;
                Ok(())
            }))
        })
        .start()
        .await
        .unwrap();
    for number in 0..10_u64 {
        sender.send(number).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let monitor = running.monitor();
    assert_eq!(busy(&monitor, "events"), Duration::ZERO);
    assert_eq!(busy(&monitor, "sink"), LONG * 10);
    drop(sender);
    running.join().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_a_stage_that_has_ended_stay_as_they_are() {
    let running = Pipeline::builder("ended")
        .start_fn("numbers", || Ok(0..10_u64))
        .finish("sink", || {
            Ok(sink::for_each_async(|_: u64| async {
                sleep(LONG).await;
                Ok(())
            }))
        })
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    let report = running.join().await.unwrap();
    advance(Duration::from_secs(100)).await;
    assert_eq!(busy(&monitor, "sink"), LONG * 10);
    assert_eq!(monitor.stats(), report.stages);
}
