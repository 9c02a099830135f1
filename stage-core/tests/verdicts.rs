//! Pipelines with a known bottleneck, and the verdicts on them.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::thread;
use std::time::Duration;

use stage_core::policy::{EachEvent, FailurePolicy, each};
use stage_core::rate::Rate;
use stage_core::stats::StageState;
use stage_core::testing::Sim;
use stage_core::watch::{Bottleneck, Cause, Verdict};
use stage_core::{BoxError, Pipeline, Placement, StepOptions, sink, source};
use tokio::time::sleep;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A step with `count` copies and windows of 100 events.
fn step(name: &str, count: usize) -> StepOptions {
    StepOptions::named(name).count(count).max_demand(100).min_demand(50)
}

/// Waits this long for each event.
fn waits(wait: u64) -> impl EachEvent<In = u64, Out = u64> {
    each(move |number: u64| async move {
        sleep(millis(wait)).await;
        Ok::<_, BoxError>(number)
    })
}

/// Returns the verdict on a pipeline on paused time, for the orders of several seeds. The step is the same
/// for each of them, and remains the same a second later.
fn judged(pipeline: impl Fn() -> Pipeline) -> Verdict {
    let mut verdicts = Vec::new();
    for seed in 0..5 {
        verdicts.extend(Sim::seeded(seed).run(async {
            let running = pipeline().start().await.unwrap();
            let monitor = running.monitor();
            sleep(millis(500)).await;
            let first = monitor.snapshot();
            sleep(millis(2_000)).await;
            let second = monitor.snapshot();
            sleep(millis(1_000)).await;
            let third = monitor.snapshot();
            running.stop().await.unwrap();
            [second.since(&first).verdict(), third.since(&second).verdict()]
        }));
    }
    for verdict in &verdicts {
        assert_eq!(verdict.step(), verdicts[0].step(), "{verdict} / {}", verdicts[0]);
    }
    verdicts.swap_remove(0)
}

/// Returns the verdict on a pipeline on two threads after this time.
fn judged_on_threads(pipeline: Pipeline, after: Duration) -> Verdict {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let running = runtime.block_on(pipeline.start()).unwrap();
    let monitor = running.monitor();
    // The workers are blocked, so they would not process timers.
    thread::sleep(millis(100));
    let before = monitor.snapshot();
    thread::sleep(after);
    let verdict = monitor.snapshot().since(&before).verdict();
    runtime.block_on(running.stop()).unwrap();
    verdict
}

#[track_caller]
fn bottleneck(verdict: Verdict, step: &str) -> Bottleneck {
    match verdict {
        Verdict::Bottleneck(bottleneck) if bottleneck.step == step => bottleneck,
        other => panic!("it is `{step}`: {other}"),
    }
}

#[test]
fn a_slow_step_in_the_middle_is_the_bottleneck() {
    let verdict = judged(|| {
        Pipeline::builder("a")
            .start_fn("src", || Ok(0_u64..))
            .step_fn(step("pre", 1), |n| n + 1)
            .step_each(step("slow", 1), FailurePolicy::skip(), || Ok(waits(2)))
            .step_fn(step("post", 1), |n| n)
            .finish_fn(step("sink", 1), |_| {})
    });
    let said = verdict.to_string();
    let slow = bottleneck(verdict, "slow");
    assert_eq!((slow.cause, slow.copies, slow.room), (Cause::Waiting, 1, 100));
    assert!(slow.share > 0.95 && slow.waiting >= 25, "{said}");
    assert!(
        said.starts_with("`slow` is the bottleneck: its callbacks wait 100 % of the time, and "),
        "{said}"
    );
    assert!(
        said.ends_with("More copies (`count`), or one task for each event (`per_event`), help."),
        "{said}"
    );
}

#[test]
fn a_sink_that_waits_is_the_bottleneck() {
    let verdict = judged(|| {
        Pipeline::builder("b").start_fn("src", || Ok(0_u64..)).step_fn(step("work", 1), |n| n + 1).finish(
            step("sink", 4),
            || {
                Ok(sink::for_each_async(|_: u64| async {
                    sleep(millis(1)).await;
                    Ok(())
                }))
            },
        )
    });
    assert_eq!(bottleneck(verdict, "sink").cause, Cause::Waiting);
}

#[test]
fn a_source_whose_input_is_slow_is_the_limit() {
    let verdict = judged(|| {
        let (sender, receiver) = tokio::sync::mpsc::channel(10);
        let receiver = source::from_channel(receiver);
        tokio::spawn(async move {
            let mut number = 0_u64;
            while sender.send(number).await.is_ok() {
                number += 1;
                sleep(millis(2)).await;
            }
        });
        Pipeline::builder("c")
            .start("src", move || Ok(receiver.clone()))
            .step_fn(step("work", 2), |n| n + 1)
            .finish_fn(step("sink", 1), |_| {})
    });
    let Verdict::SourceBound { source, state: StageState::Waiting, rate, .. } = &verdict else {
        panic!("{verdict}")
    };
    assert_eq!(source, "src");
    assert!((495.0..505.0).contains(rate), "{verdict}");
}

#[test]
fn an_idle_source_is_not_the_bottleneck() {
    let verdict = judged(|| {
        let (sender, receiver) = tokio::sync::mpsc::channel::<u64>(10);
        let receiver = source::from_channel(receiver);
        tokio::spawn(async move {
            sender.closed().await;
        });
        Pipeline::builder("idle")
            .start("src", move || Ok(receiver.clone()))
            .finish_fn(step("sink", 1), |_| {})
    });
    assert_eq!(verdict, Verdict::Idle);
}

#[test]
fn of_two_slow_steps_the_slower_one_is_the_bottleneck() {
    for (one, two, slower) in [(3, 6, "two"), (6, 3, "one")] {
        let verdict = judged(|| {
            Pipeline::builder("f")
                .start_fn("src", || Ok(0_u64..))
                .step_each(step("one", 1), FailurePolicy::skip(), move || Ok(waits(one)))
                .step_each(step("two", 1), FailurePolicy::skip(), move || Ok(waits(two)))
                .finish_fn(step("sink", 1), |_| {})
        });
        bottleneck(verdict, slower);
    }
}

#[test]
fn a_rate_that_is_kept_is_the_bottleneck() {
    let verdict = judged(|| {
        Pipeline::builder("rate")
            .start_fn("src", || Ok(0_u64..))
            .limited(step("limit", 1), || Ok(Rate::new(200, millis(1_000))?))
            .finish_fn(step("sink", 1), |_| {})
    });
    assert_eq!(bottleneck(verdict, "limit").cause, Cause::Pacing);
}

#[test]
fn a_copy_that_has_most_of_the_keys_is_the_bottleneck_of_its_step() {
    let verdict = judged(|| {
        Pipeline::builder("skew")
            .start_fn("src", || Ok(0_u64..))
            .by(|number| if number % 20 == 0 { *number } else { 1 })
            .step_each(step("count", 4), FailurePolicy::skip(), || Ok(waits(1)))
            .finish_fn(step("sink", 1), |_| {})
    });
    let said = verdict.to_string();
    let Cause::Skew { events, .. } = bottleneck(verdict, "count").cause else { panic!("{said}") };
    assert!(events > 0.9, "{said}");
}

#[test]
fn a_slow_branch_of_a_broadcast_is_the_bottleneck() {
    let verdict = judged(|| {
        Pipeline::builder("branches")
            .start_fn("src", || Ok(0_u64..))
            .broadcast()
            .ending(|all| all.finish_fn(step("quick", 1), |_| {}))
            .ending(|all| {
                all.finish(step("slow", 1), || {
                    Ok(sink::for_each_async(|_: u64| async {
                        sleep(millis(3)).await;
                        Ok(())
                    }))
                })
            })
            .done()
    });
    bottleneck(verdict, "slow");
}

#[test]
fn a_step_that_blocks_its_worker_is_the_bottleneck_while_others_are_polled_elsewhere() {
    let pipeline = Pipeline::builder("a")
        .start_fn("src", || Ok(0_u64..))
        .step_fn(step("pre", 1), |n| n + 1)
        .step_fn(step("slow", 1), |n| {
            thread::sleep(Duration::from_micros(200));
            n
        })
        .step_fn(step("post", 1), |n: u64| n)
        .finish_fn(step("sink", 1), |_| {});
    let slow = bottleneck(judged_on_threads(pipeline, millis(200)), "slow");
    assert_eq!(slow.cause, Cause::Working);
}

#[test]
fn copies_on_threads_of_their_own_are_the_bottleneck_together() {
    let pipeline = Pipeline::builder("d")
        .start_fn("src", || Ok(0_u64..))
        .step_fn(step("parse", 1), |n| n)
        .step_fn(step("call", 3).placement(Placement::Blocking), |n| {
            thread::sleep(Duration::from_micros(500));
            n
        })
        .finish_fn(step("sink", 1), |_: u64| {});
    let call = bottleneck(judged_on_threads(pipeline, millis(200)), "call");
    assert_eq!((call.cause, call.copies), (Cause::Working, 3));
    assert_eq!(call.to_string().rsplit_once(". ").unwrap().1, "More copies (`count`) help.");
}

#[test]
fn copies_that_block_every_worker_make_the_runtime_the_limit() {
    let options = |name, count| StepOptions::named(name).count(count).max_demand(10).min_demand(5);
    let pipeline = Pipeline::builder("e")
        .start_fn("src", || Ok(0_u64..))
        .step_fn(options("block", 4), |n| {
            thread::sleep(millis(1));
            n
        })
        .step_fn(options("post", 1), |n: u64| n)
        .finish_fn(options("sink", 1), |_| {});
    let verdict = judged_on_threads(pipeline, millis(400));
    let Verdict::RuntimeBound { steps, share } = &verdict else { panic!("{verdict}") };
    assert_eq!(steps, &["block"]);
    assert!(*share > 0.2, "{verdict}");
    assert!(verdict.to_string().starts_with("the runtime is the limit: `block` "), "{verdict}");
}

#[test]
fn of_two_slow_steps_on_threads_the_slower_one_is_the_bottleneck() {
    let slow = |micros| {
        move |n: u64| {
            thread::sleep(Duration::from_micros(micros));
            n
        }
    };
    let pipeline = Pipeline::builder("f")
        .start_fn("src", || Ok(0_u64..))
        .step_fn(step("one", 1).placement(Placement::Blocking), slow(300))
        .step_fn(step("two", 1).placement(Placement::Blocking), slow(900))
        .finish_fn(step("sink", 1), |_| {});
    bottleneck(judged_on_threads(pipeline, millis(300)), "two");
}
