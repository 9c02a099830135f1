//! Empty stages for the tests of `pipeline!`, named after those of an upload.
#![allow(dead_code)]

use stage_core::{Consumer, Context, Demand, Emitter, Events, Producer, ProducerConsumer, StageResult};

/// The queue of transfers.
#[derive(Clone, Debug)]
pub struct Queue;

/// A part of a file.
#[derive(Debug)]
pub struct Chunk {
    pub transfer: u64,
}

/// A sealed part of a file.
#[derive(Debug)]
pub struct Sealed {
    pub transfer: u64,
}

/// Makes chunks.
#[derive(Debug)]
pub struct Starter;

impl Starter {
    pub fn new(_queue: Queue) -> Self {
        Self
    }
}

impl Producer for Starter {
    type Event = Chunk;

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, Chunk>) -> StageResult {
        out.emit(Chunk { transfer: 1 });
        Ok(())
    }
}

/// Seals chunks.
#[derive(Debug)]
pub struct Encryption;

impl ProducerConsumer for Encryption {
    type In = Chunk;
    type Out = Sealed;

    async fn handle_events(&mut self, events: Events<'_, Chunk>, out: &mut Emitter<'_, Sealed>) -> StageResult {
        out.extend(events.into_iter().map(|chunk| Sealed { transfer: chunk.transfer }));
        Ok(())
    }
}

/// Stores sealed chunks.
#[derive(Debug)]
pub struct RemoteStorage;

impl ProducerConsumer for RemoteStorage {
    type In = Sealed;
    type Out = Sealed;

    async fn handle_events(&mut self, events: Events<'_, Sealed>, out: &mut Emitter<'_, Sealed>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

/// Notifies the user.
#[derive(Debug)]
pub struct Notifier;

impl Consumer for Notifier {
    type Event = Sealed;

    async fn handle_events(&mut self, _events: Events<'_, Sealed>, _cx: &mut Context<'_>) -> StageResult {
        Ok(())
    }
}
