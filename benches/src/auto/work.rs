//! One round: a source of numbers before a step that takes a known time for each event, or for each batch.

use std::error::Error;
use std::time::{Duration, Instant};

use stage_core::{Consumer, Context, Events, Pipeline, StageResult, StepOptions, Tuning};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::acked::Work;

/// The cost of the step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cost {
    /// It computes for this long for each event.
    Spins(Duration),
    /// It waits for this long for each event.
    Sleeps(Duration),
    /// It waits for this long for each batch.
    SleepsPerBatch(Duration),
}

/// The window of the step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Windows {
    Tuned,
    /// `max_demand` and `min_demand`.
    Fixed(usize, usize),
}

/// An event was lost or duplicated.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{seen} events arrived of {events}")]
struct WrongNumber {
    seen: u64,
    events: u64,
}

/// The step.
struct Worker {
    cost: Cost,
    work: Work,
}

impl Consumer for Worker {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        match self.cost {
            Cost::Spins(_) => {
                let sum = events.into_iter().fold(0, |sum, event| self.work.on(event) ^ sum);
                std::hint::black_box(sum);
            }
            Cost::Sleeps(each) => {
                let number = events.into_iter().count();
                for _ in 0..number {
                    sleep(each).await;
                }
            }
            Cost::SleepsPerBatch(each) => {
                sleep(each).await;
                std::hint::black_box(events.into_iter().count());
            }
        }
        Ok(())
    }
}

/// Returns how long the pipeline takes for `events` events, from before its start to its end.
pub(super) fn round(
    runtime: &Runtime,
    cost: Cost,
    work: Work,
    copies: usize,
    windows: Windows,
    events: u64,
) -> Result<Duration, Box<dyn Error>> {
    let options = StepOptions::named("work").count(copies);
    let options = match windows {
        Windows::Tuned => options.demand(Tuning::Auto),
        Windows::Fixed(max, min) => options.max_demand(max).min_demand(min),
    };
    let run = async move {
        let pipeline = Pipeline::builder("auto")
            .start_fn("numbers", move || Ok(0..events))
            .finish(options, move || Ok(Worker { cost, work }));
        let began = Instant::now();
        let report = pipeline.start().await?.join().await?;
        let took = began.elapsed();
        let seen = report.stages.iter().map(|stage| stage.events_in).sum();
        Ok::<_, Box<dyn Error + Send + Sync>>((took, seen))
    };
    // Runs within the runtime, so that no hop to this thread is measured.
    let (took, seen) = runtime.block_on(runtime.spawn(run))?.map_err(|error| error.to_string())?;
    if seen != events {
        return Err(WrongNumber { seen, events }.into());
    }
    Ok(took)
}
