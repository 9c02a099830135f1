//! What does acknowledgement cost? Counted events through three steps, once alone and once as deliveries.
//!
//! Both ways have the same demand, the same work per event and step, and one function per step. The acknowledger
//! only counts, so that what is measured is the library's part.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stage_core::ack::{AckOptions, Acknowledger, Deliveries, Delivery, Rejected};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Pipeline, Producer, StageResult, StepOptions};
use tokio::runtime::Runtime;

/// Steps between the source and the sink.
pub const STEPS: u64 = 3;

/// What a step does to an event, beside adding one: so many turns of a mixing loop.
#[derive(Clone, Copy, Debug)]
pub struct Work(u64);

impl Work {
    /// Nothing more.
    pub const NONE: Self = Self(0);

    /// About so long on this machine, now.
    pub fn lasting(each: Duration) -> Self {
        const TURNS: u64 = 2_000_000;
        let fastest = (0..7).map(|_| {
            let begin = Instant::now();
            black_box(Self(TURNS).on(black_box(1)));
            begin.elapsed()
        });
        let fastest = fastest.min().unwrap_or(each);
        let turns = u128::from(TURNS) * each.as_nanos() / fastest.as_nanos().max(1);
        Self(u64::try_from(turns).unwrap_or(TURNS))
    }

    fn on(self, event: u64) -> u64 {
        let mut mixed = event;
        for _ in 0..self.0 {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        // The sum at the end stays known, and the loop stays.
        black_box(mixed);
        event + 1
    }
}

/// How events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travel {
    /// Alone.
    Plain,
    /// As deliveries, acknowledged by the sink.
    Acked,
}

/// A round that lost events, or told of too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("acked/k3, {travel:?}: the sum of {events} events is {summed}, and {acknowledged} were acknowledged")]
pub struct Wrong {
    travel: Travel,
    events: u64,
    summed: u64,
    acknowledged: u64,
}

/// Sends `events` events through the pipeline and says how long that took, until every verdict was told.
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
        }
    });
    let took = begin.elapsed();
    let expected = (0..events).sum::<u64>() + STEPS * events;
    let told = if travel == Travel::Acked { events } else { 0 };
    if (summed, acknowledged) == (expected, told) {
        return Ok(took);
    }
    Err(Wrong { travel, events, summed, acknowledged })
}

fn demand() -> StepOptions {
    StepOptions::new().max_demand(1000).min_demand(500)
}

/// Adds up in the sink.
fn sink() -> (Arc<AtomicU64>, impl FnMut(u64) + Clone + Send + 'static) {
    let sum = Arc::new(AtomicU64::new(0));
    let into = Arc::clone(&sum);
    // There is one writer.
    (sum, move |event| into.store(into.load(Ordering::Relaxed) + event, Ordering::Relaxed))
}

async fn plain(work: Work, events: u64) -> (u64, u64) {
    let (sum, add) = sink();
    let pipeline = Pipeline::builder("plain")
        .defaults(demand())
        .start("count", move || Ok(Plain { next: 0, events }))
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

struct Plain {
    next: u64,
    events: u64,
}

impl Producer for Plain {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = self.events.min(self.next + demand.get() as u64);
        out.extend(self.next..end);
        self.next = end;
        if end == self.events {
            out.finish();
        }
        Ok(())
    }
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

/// Leaves it to the report to count.
struct Count;

impl Acknowledger for Count {
    type Receipt = u64;

    async fn settle(&mut self, acknowledged: &[u64], _: &[Rejected<u64>]) -> Result<(), BoxError> {
        black_box(acknowledged);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Travel, Work, round};
    use crate::runtime::runtime;

    #[test]
    fn both_ways_sum_up_right_and_tell_of_every_event() {
        let runtime = runtime().unwrap();
        for travel in [Travel::Plain, Travel::Acked] {
            for events in [0, 1, 10_007] {
                round(&runtime, travel, Work::NONE, events).unwrap();
            }
        }
    }
}
