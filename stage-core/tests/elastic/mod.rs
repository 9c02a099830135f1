//! Steps whose number of copies changes while they run: nothing is lost, whatever happens meanwhile.

mod changes;
mod keyed;
mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stage_core::stage::Cast;
use stage_core::{
    BoxError, Consumer, Context, Emitter, Events, Intensity, Pipeline, ProducerConsumer, Running,
    StageResult, StepOptions, Strategy,
};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Makes a stage fail between two batches.
struct Fail;

/// Passes each batch on after a time.
#[derive(Clone)]
struct Pass(Duration);

impl ProducerConsumer for Pass {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        sleep(self.0).await;
        out.extend(events);
        Ok(())
    }
}

impl Cast<Fail> for Pass {
    type Out = u64;

    async fn handle_cast(&mut self, _: Fail, _: &mut Emitter<'_, u64>) -> StageResult {
        Err("on purpose".into())
    }
}

/// The number of events, and their sum.
#[derive(Clone, Default)]
struct Sum {
    events: Arc<AtomicU64>,
    sum: Arc<AtomicU64>,
}

impl Sum {
    fn seen(&self) -> (u64, u64) {
        (self.events.load(Ordering::SeqCst), self.sum.load(Ordering::SeqCst))
    }
}

impl Consumer for Sum {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            self.events.fetch_add(1, Ordering::SeqCst);
            self.sum.fetch_add(event, Ordering::SeqCst);
        }
        Ok(())
    }
}

fn sum_of(events: u64) -> (u64, u64) {
    (events, events * events.saturating_sub(1) / 2)
}

/// Numbers, an elastic step that takes `pass` for each batch, and a sum; stages that fail are restarted alone.
async fn elastic(numbers: u64, pass: Duration, sum: &Sum) -> Running {
    let sum = sum.clone();
    Pipeline::builder("elastic")
        .strategy(Strategy::OneForOne)
        .intensity(Intensity { max_restarts: usize::MAX, within: SECOND })
        .start_fn("numbers", move || Ok(0..numbers))
        .step(StepOptions::named("pass").count(1..=8), move || Ok(Pass(pass)))
        .finish("sum", move || Ok(sum.clone()))
        .start()
        .await
        .unwrap()
}

/// Returns the number of copies of a step that run.
fn copies(running: &Running, step: &str) -> usize {
    let status = running.monitor().status();
    status.steps.iter().find(|status| status.step == step).map_or(0, |status| status.copies)
}

fn fail(running: &Running, step: &str, copy: usize) -> Result<(), BoxError> {
    running.producer_consumer::<Pass>(step, copy)?.cast(Fail)?;
    Ok(())
}
