//! Snapshots of pipelines: the division of time, outstanding and in-flight events, and the outcome of events.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::time::Duration;

use stage_core::policy::{AtOnce, FailurePolicy, each};
use stage_core::stats::{Gauges, StageState};
use stage_core::testing::{Sim, settle};
use stage_core::watch::{Board, LinkSnapshot, Snapshot, StageSnapshot, openmetrics};
use stage_core::{
    Backoff, BoxError, Consumer, Context, Demand, Emitter, Events, Init, Pipeline, Producer,
    ProducerConsumer, StageResult, StepOptions, sink,
};
use tokio::time::sleep;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn stage<'a>(snapshot: &'a Snapshot, step: &str) -> &'a StageSnapshot {
    snapshot.stages.iter().find(|stage| stage.stats.step == step).unwrap()
}

fn link<'a>(snapshot: &'a Snapshot, to: &str) -> &'a LinkSnapshot {
    snapshot.links.iter().find(|link| link.to == to).unwrap()
}

/// Emits ten events, and leaves further demand unserved.
struct Ten(u64);

impl Producer for Ten {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = (self.0 + demand.get() as u64).min(10);
        out.extend(self.0..end);
        self.0 = end;
        Ok(())
    }
}

struct Pass;

impl ProducerConsumer for Pass {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

struct Ignore;

impl Consumer for Ignore {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        events.into_iter().for_each(drop);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_demand_of_an_idle_step_is_the_current_demand_of_its_subscribers() {
    let running = Pipeline::builder("stale")
        .start("source", || Ok(Ten(0)))
        .step("step", || Ok(Pass))
        .finish("sink", || Ok(Ignore))
        .start()
        .await
        .unwrap();
    settle().await;
    let snapshot = running.monitor().snapshot();
    let step = stage(&snapshot, "step");
    let (own, onward) = (link(&snapshot, "step"), link(&snapshot, "sink"));
    assert_eq!((own.sent, own.handled, own.in_flight), (10, 10, 0));
    assert_eq!((onward.sent, onward.handled, onward.in_flight), (10, 10, 0));
    assert_eq!(onward.unmet, onward.asked - 10);
    assert_eq!(step.stats.demand, onward.unmet);
    let inspected = running.producer_consumer::<Pass>("step", 0).unwrap().inspect().await.unwrap().demand;
    assert_eq!(step.stats.demand, inspected as u64);
    assert_eq!(step.state, Some(StageState::Starved));
    assert_eq!(stage(&snapshot, "source").state, Some(StageState::Waiting));
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_fill_of_a_link_follows_from_its_counts() {
    let running = Pipeline::builder("full")
        .start_fn("numbers", || Ok(0_u64..))
        .finish(StepOptions::named("sink").max_demand(100).min_demand(50), || {
            Ok(sink::for_each_async(|_: u64| async {
                sleep(millis(10)).await;
                Ok(())
            }))
        })
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    let before = monitor.snapshot();
    sleep(millis(10_000)).await;
    let after = monitor.snapshot();
    let full = link(&after, "sink");
    assert_eq!(full.in_flight, full.sent - full.handled);
    assert!(full.in_flight >= 50 && full.in_flight <= 100 && full.unmet == 0, "{full:?}");
    let activity = after.since(&before);
    let wait = activity.links[0].wait(activity.elapsed).unwrap();
    // 50 to 100 events, one every 10 ms.
    assert!(wait >= millis(400) && wait <= millis(1_100), "{wait:?}");
    running.stop().await.unwrap();
}

#[test]
fn on_paused_time_the_states_of_a_stage_add_up_to_the_time_for_which_it_ran() {
    for seed in 0..20 {
        Sim::seeded(seed).run(async {
            let running = Pipeline::builder("sum")
                .start_fn("numbers", || Ok(0..2_000_u64))
                .step_each(StepOptions::named("slow").count(3), FailurePolicy::skip(), || {
                    Ok(each(|number: u64| async move {
                        sleep(millis(number % 7)).await;
                        Ok::<_, BoxError>(number)
                    }))
                })
                .finish_fn("sink", |_: u64| {})
                .start()
                .await
                .unwrap();
            let monitor = running.monitor();
            for _ in 0..20 {
                let snapshot = monitor.snapshot();
                for stage in &snapshot.stages {
                    assert_eq!(stage.times.total(), snapshot.at, "{stage:?}");
                }
                sleep(millis(37)).await;
            }
            running.stop().await.unwrap();
        });
    }
}

#[test]
fn under_load_the_states_of_a_stage_add_up_to_the_time_that_passed() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let running = Pipeline::builder("sum")
            .start_fn("numbers", || Ok(0_u64..))
            .step_fn(StepOptions::named("double").count(2), |number| number * 2)
            .finish_fn("sink", |_: u64| {})
            .start()
            .await
            .unwrap();
        let monitor = running.monitor();
        let before = monitor.snapshot();
        sleep(millis(200)).await;
        let after = monitor.snapshot();
        let activity = after.since(&before);
        for step in &activity.steps {
            for copy in &step.copies {
                let off = copy.times.total().as_secs_f64() / activity.elapsed.as_secs_f64();
                assert!((0.99..=1.01).contains(&off), "{}: {off}", step.step);
            }
        }
        running.stop().await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_its_input_is_waiting_and_the_steps_behind_it_starve() {
    let (sender, receiver) = tokio::sync::mpsc::channel(10);
    let receiver = stage_core::source::from_channel(receiver);
    let running = Pipeline::builder("slow")
        .start("events", move || Ok(receiver.clone()))
        .finish_fn("sink", |_: u64| {})
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    let before = monitor.snapshot();
    for number in 0..10 {
        sleep(millis(100)).await;
        sender.send(number).await.unwrap();
    }
    let activity = monitor.snapshot().since(&before);
    assert!(activity.step("events").unwrap().share(StageState::Waiting) > 0.99);
    assert!(activity.step("sink").unwrap().share(StageState::Starved) > 0.99);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_outcomes_of_failed_events_are_counted_one_by_one() {
    let again = Backoff::new(millis(1), millis(1)).attempts(2);
    let policy = FailurePolicy::skip().retry(again).deadline(millis(100));
    let report = Pipeline::builder("failing")
        .start_fn("numbers", || Ok(0..100_u64))
        .step_each("shaky", policy, || {
            Ok(each(|number: u64| async move {
                assert_ne!(number, 3, "on purpose");
                if number == 7 {
                    sleep(millis(1_000)).await;
                }
                if number == 9 { Err("nine") } else { Ok(number) }
            }))
        })
        .finish_fn("sink", |_: u64| {})
        .start()
        .await
        .unwrap()
        .join()
        .await
        .unwrap();
    let failures = report.stages[1].failures;
    assert_eq!((failures.skipped, failures.retried), (3, 6));
    assert_eq!((failures.past_deadline, failures.remade_handlers), (3, 3));
    assert_eq!((report.stages[1].discards.failed, report.stages[1].restarts), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_ends_of_stages_are_reported_with_their_time_and_reason() {
    let running = Pipeline::builder("failing")
        .start_fn("numbers", || Ok(0_u64..))
        .finish("sink", || {
            Ok(sink::for_each_async(|number: u64| async move {
                sleep(millis(100)).await;
                if number % 40 == 39 { Err::<(), _>("forty".into()) } else { Ok(()) }
            }))
        })
        .start()
        .await
        .unwrap();
    sleep(millis(90_000)).await;
    let snapshot = running.monitor().snapshot();
    assert_eq!(snapshot.exits.len(), 16);
    let last = &snapshot.exits[15];
    assert_eq!((last.stage.as_str(), last.reason.to_string().as_str()), ("sink/0", "failed: forty"));
    assert!(last.at <= snapshot.at && last.at > snapshot.exits[0].at);
    running.stop().await.unwrap();
}

/// Shows the lag of a partition while it runs.
#[derive(Default)]
struct Lagging {
    gauges: Option<Gauges>,
}

impl Producer for Lagging {
    type Event = u64;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let gauges = cx.gauges();
        gauges.set_of("lag", "3", 17);
        gauges.set_of("owner", "3", "north \"1\"");
        gauges.set_of("lag", "4", 1);
        gauges.set("oldest", millis(2500));
        self.gauges = Some(gauges);
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.gauges().remove_of("4");
        out.draining().await;
        out.finish();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_gauges_of_a_stage_are_in_its_statistics_and_in_openmetrics() {
    let pipeline =
        Pipeline::builder("orders").start("source", || Ok(Lagging::default())).finish_fn("end", drop);
    let running = pipeline.start().await.unwrap();
    settle().await;
    let (board, mut text) = (Board::new(), String::new());
    board.add("orders", &running).unwrap();
    let monitor = running.monitor();
    let gauges = monitor.snapshot().stages[0].stats.gauges.clone();
    let shown: Vec<_> =
        gauges.iter().map(|gauge| format!("{} {} {:?}", gauge.name, gauge.of, gauge.value)).collect();
    assert_eq!(shown, ["lag 3 Count(17)", "oldest  Time(2.5s)", "owner 3 Text(\"north \\\"1\\\"\")"]);
    openmetrics(&board, &mut text);
    for line in [
        r#"stage_gauge{pipeline="orders",step="source",gauge="lag",of="3"} 17"#,
        r#"stage_gauge_seconds{pipeline="orders",step="source",gauge="oldest",of=""} 2.5"#,
        r#"stage_gauge_text_info{pipeline="orders",step="source",gauge="owner",of="3",text="north \"1\""} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    running.stop().await.unwrap();
    assert_eq!(monitor.stats()[0].gauges, [], "the handle is gone with its stage");
}

#[tokio::test]
async fn a_source_of_slow_items_that_lets_others_run_works_and_does_not_wait() {
    let slow = |number: u64| {
        let began = std::time::Instant::now();
        while began.elapsed() < millis(1) {
            std::hint::spin_loop();
        }
        number
    };
    let running = Pipeline::builder("slow")
        .start_fn("numbers", move || Ok((0..30).map(slow)))
        .finish_fn("drop", drop)
        .start()
        .await
        .unwrap();
    let monitor = running.monitor();
    running.join().await.unwrap();
    let times = stage(&monitor.snapshot(), "numbers").times;
    assert_eq!(times.waiting, Duration::ZERO, "{times:?}");
    assert!(times.working > Duration::ZERO, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn events_left_out_retries_that_wait_and_the_limit_of_events_at_once_are_metrics() {
    let hour = Duration::from_secs(3_600);
    let policy = FailurePolicy::skip().retry(Backoff::new(hour, hour));
    let running = Pipeline::builder("calls")
        .start_fn("numbers", || Ok(0_u64..10))
        .step_filter("even", |number: &u64| number.is_multiple_of(2))
        .finish_each_at_once("call", AtOnce::new(3), policy, || {
            Ok(each(|number: u64| async move { if number == 4 { Err("not yet") } else { Ok(()) } }))
        })
        .start()
        .await
        .unwrap();
    let (board, mut text) = (Board::new(), String::new());
    board.add("calls", &running).unwrap();
    sleep(millis(1)).await;
    openmetrics(&board, &mut text);
    for line in [
        r#"stage_events_left_out_total{pipeline="calls",step="even"} 5"#,
        r#"stage_waiting_retries{pipeline="calls",step="call"} 1"#,
        r#"stage_at_once{pipeline="calls",step="call"} 3"#,
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
    }
    assert!(!text.contains(r#"stage_at_once{pipeline="calls",step="even"}"#), "{text}");
    running.stop().await.unwrap();
}
