//! Part one: a supervised pipeline at full speed. Consumers at its source and at its step come and go, and
//! the step crashes and is restarted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use stage_core::pipeline::Monitor;
use stage_core::stage::Cast;
use stage_core::{
    Emitter, Events, Intensity, Pipeline, ProducerConsumer, ProducerRef, Running, StageRef, StageResult,
    StepOptions, Strategy, SubscribeOptions,
};
use tokio::{task::yield_now, time::timeout};

use crate::{
    PATIENCE,
    count::{Count, Emitted},
    fate::{Fate, See, live},
    pace::{Driver, Pace, Tally},
};

/// Passes events on until it is struck.
struct Pass {
    /// Ends it with the next batch in hand.
    doom: Option<Fate>,
}

impl ProducerConsumer for Pass {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        if let Some(doom) = self.doom {
            return doom.strike();
        }
        out.extend(events);
        Ok(())
    }
}

impl Cast<Fate> for Pass {
    type Out = u64;

    async fn handle_cast(&mut self, fate: Fate, _: &mut Emitter<'_, u64>) -> StageResult {
        if matches!(fate, Fate::PanicsInHand | Fate::FailsInHand) {
            self.doom = Some(fate);
            return Ok(());
        }
        fate.strike()
    }
}

type Step = StageRef<Pass, u64, u64>;

/// Number of lives at the step between crashes of the step itself.
const CRASH: u64 = 4;

async fn start(emitted: &Arc<Emitted>) -> Running {
    let emitted = Arc::clone(emitted);
    Pipeline::builder("shared")
        .defaults(StepOptions::new().min_demand(500).max_demand(1_000))
        .strategy(Strategy::OneForOne)
        .intensity(Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) })
        .start("count", move || Ok(Count::new(&emitted)))
        .step("pass", || Ok(Pass { doom: None }))
        .finish_fn("sink", drop::<u64>)
        .start()
        .await
        .unwrap()
}

fn see(seen: &Arc<AtomicU64>) -> See {
    let seen = Arc::clone(seen);
    Box::new(move |events| {
        seen.fetch_add(events.len() as u64, Ordering::AcqRel);
    })
}

/// Runs consumers at `producer`.
async fn drive(producer: ProducerRef<u64>, seen: Arc<AtomicU64>, mut driver: Driver) -> u64 {
    while let Some(fate) = driver.next().await {
        live(&producer, window(), fate, see(&seen)).await;
    }
    driver.lives()
}

fn window() -> SubscribeOptions<u64> {
    SubscribeOptions::new().max_demand(100).min_demand(50)
}

/// Runs consumers at the step, and crashes the step between them: if the producer of a consumer is gone, too,
/// only that consumer knows its losses.
async fn drive_step(step: Step, monitor: Monitor, seen: Arc<AtomicU64>, mut driver: Driver) -> u64 {
    while let Some(fate) = driver.next().await {
        if !driver.lives().is_multiple_of(CRASH) {
            live(&step.producer(), window(), fate, see(&seen)).await;
            continue;
        }
        let before = restarts(&monitor);
        match fate {
            Fate::Panics | Fate::Fails | Fate::PanicsInHand | Fate::FailsInHand => step.cast(fate).unwrap(),
            Fate::Cancelled
            | Fate::Detached
            | Fate::Stopped
            | Fate::Aborted
            | Fate::AbortedInHand
            | Fate::Finishes => step.abort(),
        }
        let restarted = async {
            while restarts(&monitor) == before {
                yield_now().await;
            }
        };
        let in_time = timeout(PATIENCE, restarted).await;
        assert!(in_time.is_ok(), "the step was not restarted after {fate:?}: {:#?}", monitor.stats());
    }
    driver.lives()
}

fn restarts(monitor: &Monitor) -> u64 {
    monitor.stats().iter().map(|stage| stage.restarts).sum()
}

pub(crate) async fn run(pace: Pace) -> Tally {
    let (emitted, seen) = (Arc::<Emitted>::default(), Arc::<AtomicU64>::default());
    let running = start(&emitted).await;
    let source = running.producer::<Count>("count", 0).unwrap();
    let step = running.producer_consumer::<Pass>("pass", 0).unwrap();
    let (one, two, three) = tokio::join!(
        drive(source.producer(), Arc::clone(&seen), pace.driver(0)),
        drive(source.producer(), Arc::clone(&seen), pace.driver(5)),
        drive_step(step, running.monitor(), Arc::clone(&seen), pace.driver(0)),
    );
    let report = running.drain(Duration::from_secs(30)).await.unwrap();
    let [_, _, sink] = &report.stages[..] else { panic!("three stages, not {report:#?}") };
    let discarded = report.stages.iter().map(|stage| stage.discarded).sum();
    let events = emitted.events();
    let accounted = seen.load(Ordering::Acquire) + sink.events_in + discarded;
    assert_eq!(accounted, events, "every emitted event was seen or discarded: {report:#?}");
    Tally { events, lives: one + two + three, discarded }
}
