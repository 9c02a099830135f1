//! A stage that passes its input on, and records the batches.

use std::sync::{Arc, Mutex};

use stage_core::spawn::{StageOptions, producer_consumer};
use stage_core::{Consumer, Context, Emitter, Events, ProducerConsumer, StageRef, StageResult};

/// The recorded batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batches {
    seen: Arc<Mutex<Vec<Vec<u64>>>>,
}

impl Batches {
    /// Returns a stage that writes into this record.
    pub(crate) fn recorder(&self) -> Recorder {
        Recorder { batches: self.clone() }
    }

    /// Returns the same stage, running.
    pub(crate) async fn running(&self) -> StageRef<Recorder, u64, u64> {
        producer_consumer(self.recorder(), StageOptions::named("recorder")).await.unwrap()
    }

    /// Takes the batches out of the record, sorted.
    pub(crate) fn take(&self) -> Vec<Vec<u64>> {
        super::sorted(std::mem::take(&mut *self.seen.lock().unwrap()))
    }
}

/// The recording stage.
#[derive(Debug)]
pub(crate) struct Recorder {
    batches: Batches,
}

impl ProducerConsumer for Recorder {
    type In = u64;
    type Out = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        let batch: Vec<u64> = events.into_iter().collect();
        for number in &batch {
            out.emit(*number);
        }
        self.batches.seen.lock().unwrap().push(batch);
        Ok(())
    }
}

impl Consumer for Recorder {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let batch: Vec<u64> = events.into_iter().collect();
        self.batches.seen.lock().unwrap().push(batch);
        Ok(())
    }
}
