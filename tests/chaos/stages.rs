//! What goes wrong in a stage.

use std::panic::resume_unwind;

use stage_core::ack::Delivery;
use stage_core::sqlite::Job;
use stage_core::{BoxError, Emitter, Events, ProducerConsumer, StageResult};
use tokio::task::yield_now;

use crate::chance::Chance;

/// Passes deliveries on; sometimes it panics, fails, forgets one, or takes its time.
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
            match self.chance.below(300) {
                0 => resume_unwind(Box::new("as it must")),
                1 => return Err("as it must".into()),
                2 => drop(event),
                3..20 => {
                    yield_now().await;
                    out.emit(event);
                }
                _ => out.emit(event),
            }
        }
        Ok(())
    }
}

/// Handles one job; sometimes it panics, fails, or takes its time. Some fail each time.
pub(crate) async fn handle(job: Job, chance: Chance) -> Result<Job, BoxError> {
    if job.id.0 % 97 == 0 {
        return Err("it never works".into());
    }
    match chance.below(200) {
        0 => resume_unwind(Box::new("as it must")),
        1 | 2 => Err("as it must".into()),
        3..12 => {
            yield_now().await;
            Ok(job)
        }
        _ => Ok(job),
    }
}
