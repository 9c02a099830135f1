//! The pipeline, and the place of its bottleneck.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stage_core::policy::{EachEvent, FailurePolicy, each};
use stage_core::{BoxError, Pipeline, StepOptions, sink};
use tokio::time::sleep;

/// The steps that are slow in turn, with the number of their copies.
pub(crate) const STEPS: [(&str, u32); 3] = [("parse", 1), ("encode", 4), ("store", 2)];

/// The time between two events of the pipeline.
const PACE: Duration = Duration::from_millis(5);

/// The place of the bottleneck. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slow(Arc<AtomicUsize>);

impl Slow {
    /// Makes the next step the slow one; returns its name.
    pub(crate) fn advance(&self) -> &'static str {
        let place = (self.0.load(Ordering::Relaxed) + 1) % STEPS.len();
        self.0.store(place, Ordering::Relaxed);
        STEPS[place].0
    }

    /// Takes the time of one event at this step: as many copies as there are share the pace.
    async fn handle(&self, place: usize) {
        if self.0.load(Ordering::Relaxed) == place {
            sleep(PACE * STEPS[place].1).await;
        }
    }

    fn step(&self, place: usize) -> impl EachEvent<In = u64, Out = u64> + use<> {
        let slow = self.clone();
        each(move |number: u64| {
            let slow = slow.clone();
            async move {
                slow.handle(place).await;
                Ok::<_, BoxError>(number)
            }
        })
    }
}

fn options(place: usize) -> StepOptions {
    let (name, copies) = STEPS[place];
    StepOptions::named(name).count(copies as usize).max_demand(40).min_demand(20)
}

/// Returns an endless pipeline whose bottleneck is at `slow`.
pub(crate) fn pipeline(slow: &Slow) -> Pipeline {
    let (parse, encode, store) = (slow.clone(), slow.clone(), slow.clone());
    Pipeline::builder("slow_step")
        .start_fn("numbers", || Ok(0_u64..))
        .step_each(options(0), FailurePolicy::skip(), move || Ok(parse.step(0)))
        .step_each(options(1), FailurePolicy::skip(), move || Ok(encode.step(1)))
        .finish(options(2), move || {
            let slow = store.clone();
            Ok(sink::for_each_async(move |_: u64| {
                let slow = slow.clone();
                async move {
                    slow.handle(2).await;
                    Ok(())
                }
            }))
        })
}
