//! Steps between manual stages, and deliveries with their verdicts.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::ack::{Acknowledger, Collectors, Delivery, RejectedDelivery};
use crate::base::error::BoxError;
use crate::pipeline::handle::StageRef;
use crate::pipeline::{Chain, Pipeline};
use crate::policy::Acknowledged;
use crate::spawn::{self, StageOptions};
use crate::stage::ProducerConsumer;
use crate::sync::{Mutex, lock};
use crate::testing::{ManualConsumer, ManualProducer};
use crate::wire::SubscribeOptions;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The window of the steps under test.
pub(super) const WINDOW: u32 = 10;

/// A step between a source and a consumer controlled by the test.
pub(super) async fn between<S: ProducerConsumer<In = u32>>(
    step: S,
) -> (ManualProducer<u32>, StageRef<S, u32, S::Out>, ManualConsumer<S::Out>) {
    let source = ManualProducer::spawn(StageOptions::named("source")).await;
    let stage = spawn::producer_consumer(step, StageOptions::named("step")).await.unwrap();
    stage.subscribe(&source.producer(), SubscribeOptions::new().max_demand(WINDOW as usize)).await.unwrap();
    let mut consumer = ManualConsumer::spawn("consumer").await;
    consumer.subscribe(&stage.producer(), SubscribeOptions::new()).await.unwrap();
    (source, stage, consumer)
}

/// Sends each verdict with its number: `"3 done"`, or the reason.
struct Tell(UnboundedSender<String>);

impl Acknowledger for Tell {
    type Receipt = u32;

    async fn settle(&mut self, done: &[u32], rejected: &[RejectedDelivery<u32>]) -> Result<(), BoxError> {
        for number in done {
            self.0.send(format!("{number} done"))?;
        }
        for RejectedDelivery { receipt, reason } in rejected {
            self.0.send(format!("{receipt}: {reason}"))?;
        }
        Ok(())
    }
}

/// The verdict of a delivery that no stage handled.
pub(super) const UNTRIED: &str = "it was returned before a stage handled it";

/// Returns deliveries of these numbers; the channel gets their verdicts.
pub(super) fn deliveries(numbers: std::ops::Range<u32>) -> (Vec<Delivery<u32>>, UnboundedReceiver<String>) {
    let (tell, verdicts) = unbounded_channel();
    let deliveries = Collectors::default().start_alone(Tell(tell));
    (deliveries.deliver(numbers.map(|number| (number, number))).collect(), verdicts)
}

/// Declares a chain of these numbers as deliveries; the channel gets their verdicts.
pub(super) fn delivered(
    numbers: std::ops::Range<u32>,
) -> (Chain<u32, Acknowledged>, UnboundedReceiver<String>) {
    let (events, verdicts) = deliveries(numbers);
    let events = Mutex::new(Some(events));
    let source = move || Ok(lock(&events).take().unwrap_or_default());
    (Pipeline::builder("numbers").start_fn("numbers", source).acknowledged(), verdicts)
}

/// Returns all verdicts, in the order of the numbers.
pub(super) async fn all(mut verdicts: UnboundedReceiver<String>) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.recv().await {
        told.push(verdict);
    }
    told.sort();
    told
}

/// Returns the verdicts of a pipeline that is run to its end.
pub(super) async fn run(pipeline: Pipeline, verdicts: UnboundedReceiver<String>) -> Vec<String> {
    let _report = pipeline.start().await.unwrap().join().await.unwrap();
    all(verdicts).await
}
