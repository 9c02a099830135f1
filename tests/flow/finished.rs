//! F130, F131: consumers that a flow starts and restarts; stages that do not subscribe in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flow::stages::{ConsumerRestart, Feeding, FinishOptions};
use flow::{Flow, FlowError, LayerFlow, StartOptions, Workers};
use futures_util::FutureExt;
use stage_core::spawn::{StageOptions, consumer, producer};
use stage_core::stage::FromIter;
use stage_core::testing::settle;
use stage_core::{Consumer, Context, Events, ExitReason, Intensity, StageResult, SubscribeOptions};

use crate::support::{failed_in, in_any_order, no_task_is_left};

fn here() -> StartOptions {
    StartOptions::new().workers(Workers::Current)
}

/// The way in which a consumer ends early.
#[derive(Clone, Copy, Debug)]
enum Exit {
    Crash,
    Shutdown,
}

/// A consumer that ends early at some events, and counts the others.
#[derive(Clone)]
struct Moody {
    exit: Exit,
    at: fn(u64) -> bool,
    handled: Arc<AtomicU64>,
}

impl Consumer for Moody {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            match self.exit {
                _ if !(self.at)(event) => self.handled.fetch_add(1, Ordering::SeqCst),
                Exit::Crash => panic!("a mood"),
                Exit::Shutdown => return Err(ExitReason::Shutdown.into()),
            };
        }
        Ok(())
    }
}

fn moody(exit: Exit, at: fn(u64) -> bool) -> Moody {
    Moody { exit, at, handled: Arc::default() }
}

async fn finish(options: FinishOptions, moody: Moody, last: u64) -> Feeding<u64> {
    let numbers = Flow::from_items(0..last).stages(2).map(|number| number);
    numbers.finish_with(options, here(), move |_| Ok(moody.clone())).await.unwrap()
}

#[test]
fn f130_the_restart_option_of_a_consumer_decides_about_its_flow() {
    let restarts = [ConsumerRestart::Permanent, ConsumerRestart::Transient, ConsumerRestart::Temporary];
    let cases = restarts.into_iter().flat_map(|restart| [(restart, Exit::Crash), (restart, Exit::Shutdown)]);
    for (restart, exit) in cases {
        in_any_order(async || {
            let running =
                finish(FinishOptions::new(1).restart(restart), moody(exit, |_| true), u64::MAX).await;
            match (restart, exit) {
                (ConsumerRestart::Permanent | ConsumerRestart::Transient, Exit::Crash) => {
                    failed_in(&running.join().await.unwrap_err(), "consumers", "panicked: a mood");
                }
                (ConsumerRestart::Permanent, Exit::Shutdown) => {
                    let stopped = running.join().await.unwrap_err();
                    assert!(matches!(stopped, FlowError::Stopped), "{stopped}");
                }
                (ConsumerRestart::Transient, Exit::Shutdown) | (ConsumerRestart::Temporary, _) => {
                    settle().await;
                    assert!(running.join().now_or_never().is_none(), "{restart:?} after {exit:?}");
                    running.stop().await.unwrap();
                }
            }
            no_task_is_left().await;
        });
    }
}

#[test]
fn a_restarted_consumer_continues_at_the_current_event_and_loses_its_batch() {
    for (restart, exit) in [
        (ConsumerRestart::Permanent, Exit::Crash),
        (ConsumerRestart::Permanent, Exit::Shutdown),
        (ConsumerRestart::Transient, Exit::Crash),
    ] {
        in_any_order(async || {
            let moody = moody(exit, |event| event == 17 || event == 60);
            let options =
                FinishOptions::new(1).max_demand(1).restart(restart).intensity(Intensity::default());
            let running = finish(options, moody.clone(), 100).await;
            let report = running.join().await.unwrap();
            let last = report.profile.layers.last().unwrap();
            assert_eq!((last.stages.len(), last.stages[0].restarts), (1, 2));
            // Lost: the event in its callback each time, and the events already sent by each of the two
            // stages.
            let handled = moody.handled.load(Ordering::SeqCst);
            assert!((94..=98).contains(&handled), "{handled} of 98");
            assert!(last.events_in() >= handled);
            no_task_is_left().await;
        });
    }
}

#[test]
fn one_restart_too_many_fails_the_flow() {
    in_any_order(async || {
        let intensity = Intensity { max_restarts: 2, ..Intensity::default() };
        let running =
            finish(FinishOptions::new(1).intensity(intensity), moody(Exit::Crash, |_| true), u64::MAX).await;
        failed_in(&running.join().await.unwrap_err(), "consumers", "panicked: a mood");
        assert_eq!(running.stats().last().unwrap().restarts, 2);
        no_task_is_left().await;
    });
}

#[test]
fn the_other_consumers_continue_without_an_unrestarted_one() {
    in_any_order(async || {
        let moody = moody(Exit::Crash, |event| event == 3);
        let options = FinishOptions::new(2).max_demand(1).restart(ConsumerRestart::Temporary);
        let running = finish(options, moody.clone(), 100).await;
        running.join().await.unwrap();
        assert!(moody.handled.load(Ordering::SeqCst) >= 90);
        no_task_is_left().await;
    });
}

/// A consumer that takes five events.
struct Five(u64);

impl Consumer for Five {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, cx: &mut Context<'_>) -> StageResult {
        self.0 += events.len() as u64;
        if self.0 >= 5 {
            cx.finish();
        }
        Ok(())
    }
}

#[test]
fn a_flow_ends_when_its_consumers_have_finished() {
    in_any_order(async || {
        let endless = Flow::from_items(0_u64..).stages(2).map(|number| number);
        let options = FinishOptions::new(2).max_demand(2).named("five");
        let running = endless.finish_with(options, here(), |_| Ok(Five(0))).await.unwrap();
        let report = running.join().await.unwrap();
        assert!((10..=14).contains(&report.events()), "{report}");
        assert!(report.profile.layers.last().unwrap().name.starts_with("five"));
        no_task_is_left().await;
    });
}

#[test]
fn a_recipe_that_fails_or_panics_fails_the_start_and_leaves_nothing() {
    in_any_order(async || {
        let numbers = Flow::from_items(0_u64..).stages(2).map(|number| number);
        for place in [0, 1] {
            let made = move |at: flow::Place| match at.index {
                index if index < place => Ok(Five(0)),
                0 => Err("no such consumer".into()),
                _ => panic!("no such consumer"),
            };
            let error = numbers.finish_with(FinishOptions::new(2), here(), made).await.unwrap_err();
            let why = ["failed: no such consumer", "panicked: no such consumer"][place];
            failed_in(&error, "consumers", why);
            no_task_is_left().await;
        }
        let producers = LayerFlow::<_, u64>::from_producers(2, |_| {
            Err::<FromIter<std::ops::RangeFrom<u64>>, _>("no such source".into())
        });
        let error = producers.start_with(here()).await.unwrap_err();
        failed_in(&error, "producers", "failed: no such source");
        no_task_is_left().await;
    });
}

/// A consumer that never returns from its first batch.
struct Busy;

impl Consumer for Busy {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        std::future::pending().await
    }
}

#[test]
fn f131_a_stage_that_does_not_subscribe_in_time_fails_the_start() {
    in_any_order(async || {
        let numbers = Flow::from_items(0_u64..).stages(2).map(|number| number);
        let never = here().subscribe_timeout(Duration::ZERO);
        let error = numbers.start_with(never).await.unwrap_err();
        assert!(matches!(error, FlowError::SubscribeTimeout { within: Duration::ZERO, .. }), "{error}");
        no_task_is_left().await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_busy_stage_of_others_has_five_seconds_to_subscribe() {
    let busy = consumer(Busy, StageOptions::named("busy")).await.unwrap();
    let source = producer(FromIter::new(0_u64..), StageOptions::named("source")).await.unwrap();
    busy.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    settle().await;
    let began = tokio::time::Instant::now();
    let numbers = Flow::from_items(0_u64..).stages(1).map(|number| number);
    let into = [(busy, SubscribeOptions::new())];
    let error = numbers.into_stages_with(into, here()).await.unwrap_err();
    let FlowError::SubscribeTimeout { stage, within } = error else { panic!("{error}") };
    assert_eq!((stage.as_str(), within), ("busy", Duration::from_secs(5)));
    assert_eq!(began.elapsed().as_secs(), 5);
}
