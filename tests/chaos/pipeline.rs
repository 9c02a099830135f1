//! The pipeline under test: five stages, all but the source with one to four copies, and each with its own
//! faults.

use std::time::Duration;

use stage_core::policy::{FailurePolicy, each};
use stage_core::{Backoff, BoxError, Intensity, Pipeline, StepOptions};
use stage_sqlite::{Job, Queue};

use crate::chance::Chance;
use crate::log::Log;
use crate::stages::{self, Shaky};

/// A restart intensity without a limit.
const LIFTED: Intensity = Intensity { max_restarts: usize::MAX, within: Duration::from_secs(1) };

/// Deadline of a job; some jobs exceed it.
pub(crate) const DEADLINE: Duration = Duration::from_millis(20);

pub(crate) fn pipeline(queue: &Queue, chance: &Chance, log: &Log) -> Pipeline {
    let copies = || usize::try_from(1 + chance.below(4)).unwrap();
    let (start, shaky, tried, last, log) =
        (queue.clone(), chance.clone(), chance.clone(), chance.clone(), log.clone());
    let soon = Backoff::new(Duration::from_micros(100), Duration::from_millis(1)).attempts(2);
    Pipeline::builder("chaos")
        .intensity(LIFTED)
        .defaults(StepOptions::new().max_demand(20).min_demand(10))
        .start("queue", move || Ok(start.source().until_empty()))
        .acknowledged()
        .by(|job: &Job| job.id)
        .step(StepOptions::named("shaky").count(copies()), move || Ok(Shaky::new(&shaky)))
        .step_each(
            StepOptions::named("tried").count(copies()),
            FailurePolicy::skip().retry(soon).deadline(DEADLINE),
            move || {
                let chance = tried.clone();
                Ok(each(move |job| stages::handle(job, chance.clone())))
            },
        )
        .step_fn(StepOptions::named("passed").count(copies()), |job| job)
        .finish_each(
            StepOptions::named("last").count(copies()),
            FailurePolicy::restart().deadline(Duration::from_secs(5)),
            move || {
                let (chance, log) = (last.clone(), log.clone());
                Ok(each(move |job| {
                    let (chance, log) = (chance.clone(), log.clone());
                    async move {
                        let job = stages::handle(job, chance).await?;
                        log.note(&job);
                        Ok::<_, BoxError>(())
                    }
                }))
            },
        )
}
