//! Work outside of callbacks: a stage ends only when nothing holds it.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use stage_core::spawn::{self, StageOptions};
use stage_core::stage::{Cast, Hold};
use stage_core::testing::{ManualConsumer, ManualProducer, settle};
use stage_core::{
    Consumer, Context, Emitter, Events, ExitReason, Nothing, ProducerConsumer, StageRef, StageResult,
    SubscribeOptions,
};

/// Keeps events, and holds its stage until told to release them.
#[derive(Default)]
struct Keeper {
    kept: Vec<u32>,
    hold: Option<Hold>,
}

struct LetGo;

impl Consumer for Keeper {
    type Event = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, cx: &mut Context<'_>) -> StageResult {
        self.kept.extend(events);
        self.hold = Some(cx.hold());
        Ok(())
    }
}

impl Cast<LetGo> for Keeper {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: LetGo, _out: &mut Emitter<'_, Nothing>) -> StageResult {
        self.hold = None;
        Ok(())
    }
}

/// The same as a step, which emits the kept events when told to release them.
#[derive(Default)]
struct Step(Keeper);

impl ProducerConsumer for Step {
    type In = u32;
    type Out = u32;

    async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
        self.0.kept.extend(events);
        self.0.hold = Some(out.hold());
        Ok(())
    }
}

impl Cast<LetGo> for Step {
    type Out = u32;

    async fn handle_cast(&mut self, _: LetGo, out: &mut Emitter<'_, u32>) -> StageResult {
        out.extend(self.0.kept.drain(..));
        self.0.hold = None;
        Ok(())
    }
}

/// Starts a keeper that holds one event and whose producer has ended.
async fn held() -> StageRef<Keeper, u32, Nothing> {
    let keeper = spawn::consumer(Keeper::default(), StageOptions::named("keeper")).await.unwrap();
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    keeper.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.emit([1]);
    source.finish();
    source.ended().await;
    settle().await;
    keeper
}

#[tokio::test(start_paused = true)]
async fn a_held_consumer_handles_messages_and_ends_when_released() {
    let keeper = held().await;
    keeper.cast(LetGo).unwrap();
    assert!(matches!(keeper.ended().await, ExitReason::Normal));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_hold() {
    let keeper = held().await;
    assert!(matches!(keeper.stop(ExitReason::Shutdown).await, ExitReason::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn events_emitted_by_a_held_step_after_the_end_of_its_producer_arrive() {
    let step = spawn::producer_consumer(Step::default(), StageOptions::named("step")).await.unwrap();
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let mut sink = ManualConsumer::spawn("sink").await;
    sink.subscribe(&step.producer(), SubscribeOptions::new()).await.unwrap();
    sink.ask(5);
    step.subscribe(&source.producer(), SubscribeOptions::new()).await.unwrap();
    source.emit([1, 2]);
    source.finish();
    source.ended().await;
    settle().await;
    assert!(sink.batches().is_empty());
    step.cast(LetGo).unwrap();
    assert_eq!(sink.next_batch().await, [1, 2]);
    assert!(matches!(step.ended().await, ExitReason::Normal));
}
