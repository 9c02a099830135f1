//! Pipelines for events alone and for deliveries, built with the public builder.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, RejectedDelivery};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult, StepOptions};
use tokio::runtime::Runtime;

use super::Work;
use crate::pipe::{DEFAULT, tokio_vec, us};

/// The form in which events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travel {
    /// Alone.
    Plain,
    /// As deliveries, acknowledged by the sink.
    Acked,
    /// Alone, through tasks and channels of tokio that carry a `Vec` of events.
    TokioVec,
}

/// A round that lost events, or reported too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("acked/k3, {travel:?}: the sum of {events} events is {summed}, and {acknowledged} were acknowledged")]
pub struct Wrong {
    travel: Travel,
    events: u64,
    summed: u64,
    acknowledged: u64,
}

/// Sends `events` events through the pipeline and returns the duration until every verdict was reported.
///
/// # Errors
///
/// [`Wrong`] when the sink did not see every event once and changed by every step, or not all were acknowledged.
///
/// # Panics
///
/// When the pipeline fails instead of ending.
pub fn round(runtime: &Runtime, travel: Travel, work: Work, events: u64) -> Result<Duration, Wrong> {
    let begin = Instant::now();
    let (summed, acknowledged) = runtime.block_on(async {
        match travel {
            Travel::Plain => plain(work, events).await,
            Travel::Acked => acked(work, events).await,
            Travel::TokioVec => (tokio_vec::run_steps(DEFAULT, events, move |event| work.on(event)).await, 0),
        }
    });
    let took = begin.elapsed();
    let expected = DEFAULT.expected_sum(events);
    let told = if travel == Travel::Acked { events } else { 0 };
    if (summed, acknowledged) == (expected, told) {
        return Ok(took);
    }
    Err(Wrong { travel, events, summed, acknowledged })
}

pub(super) fn demand() -> StepOptions {
    StepOptions::new().max_demand(DEFAULT.max_demand).min_demand(DEFAULT.min_demand)
}

/// Returns a sum and a sink that adds to it.
pub(super) fn sink() -> (Arc<AtomicU64>, impl FnMut(u64) + Clone + Send + 'static) {
    let sum = Arc::new(AtomicU64::new(0));
    let into = Arc::clone(&sum);
    // There is only one writer.
    (sum, move |event| into.store(into.load(Ordering::Relaxed) + event, Ordering::Relaxed))
}

async fn plain(work: Work, events: u64) -> (u64, u64) {
    let (sum, add) = sink();
    let pipeline = Pipeline::builder("plain")
        .defaults(demand())
        .start("count", move || Ok(us::Count { next: 0, events }))
        .step_fn("one", move |event| work.on(event))
        .step_fn("two", move |event| work.on(event))
        .step_fn("three", move |event| work.on(event))
        .finish_fn("sum", add);
    let report = pipeline.start().await.expect("it starts").join().await.expect("it ends by itself");
    (sum.load(Ordering::Acquire), report.settlement.acknowledged)
}

async fn acked(work: Work, events: u64) -> (u64, u64) {
    let (sum, add) = sink();
    let pipeline = Pipeline::builder("acked")
        .defaults(demand())
        .start("count", move || Ok(Acked { next: 0, events, deliveries: None }))
        .acknowledged()
        .step_fn("one", move |event| work.on(event))
        .step_fn("two", move |event| work.on(event))
        .step_fn("three", move |event| work.on(event))
        .finish_fn("sum", add);
    let report = pipeline.start().await.expect("it starts").join().await.expect("it ends by itself");
    (sum.load(Ordering::Acquire), report.settlement.acknowledged)
}

struct Acked {
    next: u64,
    events: u64,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for Acked {
    type Event = Delivery<u64>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Count, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Delivery<u64>>) -> StageResult {
        let end = self.events.min(self.next + demand.get() as u64);
        let deliveries = self.deliveries.as_ref().expect("init came first");
        let tokens = deliveries.tokens(self.next..end);
        out.extend(tokens.zip(self.next..end).map(|(token, event)| token.with(event)));
        self.next = end;
        if end == self.events {
            out.finish();
        }
        Ok(())
    }
}

/// An acknowledger that leaves the counts to the report.
pub(super) struct Count;

impl Acknowledger for Count {
    type Receipt = u64;

    async fn settle(&mut self, acknowledged: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
        black_box(acknowledged);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Travel, round};
    use crate::acked::Work;
    use crate::runtime::runtime;

    #[test]
    fn all_ways_sum_up_right_and_tell_of_every_event() {
        let runtime = runtime().unwrap();
        for travel in [Travel::Plain, Travel::Acked, Travel::TokioVec] {
            for events in [0, 1, 10_007] {
                round(&runtime, travel, Work::NONE, events).unwrap();
            }
        }
    }
}
