//! Cancel modes: how a step of a pipeline reacts when one of the producers before it ends.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::testing::turn;
use stage_core::{
    BoxError, CancelMode, Consumer, Context, Demand, Emitter, Events, Init, Intensity, Pipeline, Producer,
    Report, Restart, StageResult, StepOptions, Strategy,
};
use tokio::sync::watch;

const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// Emits one number, and ends at once or on command; the first time it may fail instead.
#[derive(Clone)]
struct One {
    number: u64,
    until: Option<watch::Receiver<bool>>,
    fails: Arc<AtomicUsize>,
}

impl Producer for One {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        if let Some(until) = &mut self.until {
            until.wait_for(|over| *over).await?;
        }
        out.emit(self.number);
        out.flush();
        if self.fails.load(Ordering::SeqCst) > 0 {
            self.fails.fetch_sub(1, Ordering::SeqCst);
            return Err("had enough".into());
        }
        out.finish();
        Ok(())
    }
}

fn one(
    number: u64,
    until: Option<&watch::Receiver<bool>>,
    fails: usize,
) -> impl Fn() -> Result<One, BoxError> + Send + use<> {
    let one = One { number, until: until.cloned(), fails: Arc::new(AtomicUsize::new(fails)) };
    move || Ok(one.clone())
}

/// Counts its starts and its events.
#[derive(Clone, Default)]
struct Tally {
    starts: Arc<AtomicUsize>,
    events: Arc<AtomicUsize>,
}

impl Consumer for Tally {
    type Event = u64;

    async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
        self.starts.fetch_add(1, Ordering::SeqCst);
        Ok(Init::Ready)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        self.events.fetch_add(events.into_iter().count(), Ordering::SeqCst);
        Ok(())
    }
}

/// Runs a source that fails once or not at all, and one that waits for its events, before a step with this
/// cancel mode; returns how often the step started.
async fn starts(mode: CancelMode, strategy: Strategy, restart: Restart, fails: usize) -> (usize, Report) {
    let tally = Tally::default();
    let (release, released) = watch::channel(false);
    let step = tally.clone();
    let running = Pipeline::builder("two")
        .strategy(strategy)
        .intensity(LIFTED)
        .start(StepOptions::named("first").restart(restart), one(1, None, fails))
        .and_start("second", one(2, Some(&released), 0))
        .finish(StepOptions::named("tally").cancel(mode), move || Ok(step.clone()))
        .start()
        .await
        .unwrap();
    for _ in 0..200 {
        turn().await;
    }
    release.send(true).unwrap();
    let report = running.join().await.unwrap();
    (tally.starts.load(Ordering::SeqCst), report)
}

#[tokio::test]
async fn a_temporary_step_continues_after_a_producer_failed_or_finished() {
    for fails in [0, 1] {
        for restart in [Restart::Permanent, Restart::Temporary] {
            let (starts, report) = starts(CancelMode::Temporary, Strategy::OneForOne, restart, fails).await;
            assert_eq!(starts, 1, "{fails} failures, {restart:?}: {report:?}");
            assert!(report.stages.last().unwrap().events_in >= 2, "{report:?}");
        }
    }
}

#[tokio::test]
async fn a_transient_step_fails_with_a_producer_that_failed_and_is_restarted() {
    for restart in [Restart::Permanent, Restart::Temporary] {
        let (starts, report) = starts(CancelMode::Transient, Strategy::OneForOne, restart, 1).await;
        assert_eq!(starts, 2, "{restart:?}: {report:?}");
        assert!(report.stages.last().unwrap().events_in >= 2, "{report:?}");
    }
}

#[tokio::test]
async fn a_transient_step_continues_after_a_producer_finished() {
    let (starts, report) = starts(CancelMode::Transient, Strategy::OneForOne, Restart::Permanent, 0).await;
    assert_eq!((starts, report.stages.last().unwrap().events_in), (1, 2));
}

#[tokio::test]
async fn a_step_restarted_with_the_others_is_restarted_once() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let tally = Tally::default();
        let step = tally.clone();
        let pipeline = Pipeline::builder("one")
            .strategy(strategy)
            .start("first", one(1, None, 1))
            .finish(StepOptions::named("tally").cancel(CancelMode::Transient), move || Ok(step.clone()));
        let report = pipeline.start().await.unwrap().join().await.unwrap();
        assert_eq!(tally.starts.load(Ordering::SeqCst), 2, "{strategy:?}: {report:?}");
    }
}

#[tokio::test]
async fn a_permanent_step_finishes_with_the_first_producer_that_has_finished() {
    let tally = Tally::default();
    let step = tally.clone();
    let (quick, endless) = (0..10_u64, 0_u64..);
    let report = Pipeline::builder("two")
        .start_fn("quick", move || Ok(quick.clone()))
        .and_start_fn("endless", move || Ok(endless.clone()))
        .finish(StepOptions::named("tally").cancel(CancelMode::Permanent), move || Ok(step.clone()))
        .start()
        .await
        .unwrap()
        .join()
        .await
        .unwrap();
    assert!(tally.events.load(Ordering::SeqCst) >= 10, "{report:?}");
    assert_eq!(tally.starts.load(Ordering::SeqCst), 1);
}
