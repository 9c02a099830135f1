//! Stages with random faults.

use std::panic::resume_unwind;
use std::time::Duration;

use stage_core::ack::Delivery;
use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult};
use stage_sqlite::Job;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::pipeline::DEADLINE;

/// Passes deliveries on, but sometimes panics, fails, forgets one, or is slow.
pub(crate) struct Shaky {
    chance: Chance,
}

impl Shaky {
    pub(crate) fn new(chance: &Chance) -> Self {
        Self { chance: chance.clone() }
    }
}

impl ProducerConsumer for Shaky {
    type In = Delivery<Job>;
    type Out = Delivery<Job>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<Job>>,
        out: &mut Emitter<'_, Delivery<Job>>,
    ) -> StageResult {
        for event in events {
            match self.chance.below(600) {
                0 | 1 => resume_unwind(Box::new("on purpose")),
                2 | 3 => return Err("on purpose".into()),
                4 | 5 => drop(event),
                6 => {
                    slow_call(&self.chance).await;
                    out.emit(event);
                }
                7..40 => {
                    yield_now().await;
                    out.emit(event);
                }
                _ => out.emit(event),
            }
        }
        Ok(())
    }
}

/// Simulates a slow call: up to twice the deadline of a job.
async fn slow_call(chance: &Chance) {
    let most = 2_000 * u64::try_from(DEADLINE.as_millis()).unwrap();
    sleep(Duration::from_micros(chance.below(most))).await;
}

/// Handles one job, but sometimes panics, fails, or is slow. Some jobs fail each time.
pub(crate) async fn handle(job: Job, chance: Chance) -> Result<Job, BoxError> {
    if job.id.0 % 97 == 0 {
        return Err("it always fails".into());
    }
    match chance.below(600) {
        0..3 => resume_unwind(Box::new("on purpose")),
        3..9 => Err("on purpose".into()),
        9 => {
            slow_call(&chance).await;
            Ok(job)
        }
        10..36 => {
            yield_now().await;
            Ok(job)
        }
        _ => Ok(job),
    }
}
