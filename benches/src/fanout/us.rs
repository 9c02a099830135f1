//! Fan-out of this project: a producer with a dispatcher, and four consumers that subscribe to it.

use std::{
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
};

use stage_core::dispatch::{BroadcastDispatcher, DispatchOptions, PartitionDispatcher};
use stage_core::spawn::{DemandMode, StageOptions, consumer, producer};
use stage_core::{BoxError, Consumer, Context, Events, ExitReason, StageResult, SubscribeOptions};

use super::kind::{CONSUMERS, Kind, MAX_DEMAND, MIN_DEMAND};
use crate::pipe::us::Count;

type Sums = Arc<Mutex<Vec<(u64, u64)>>>;

/// Returns the number of events of each consumer, and their sum.
pub(super) async fn run(kind: Kind, events: u64) -> Result<Vec<(u64, u64)>, BoxError> {
    // No event flows before all consumers are subscribed.
    let held = StageOptions::named("count").demand(DemandMode::Accumulate);
    let options = match kind {
        Kind::Demand => held,
        Kind::Broadcast => held.dispatcher(BroadcastDispatcher::default()),
        Kind::Partition => held.dispatcher(PartitionDispatcher::routed(CONSUMERS, route)?),
    };
    let source = producer(Count { next: 0, events }, options).await?;
    let sums: Sums = Arc::new(Mutex::new(vec![(0, 0); CONSUMERS]));
    let mut sinks = Vec::with_capacity(CONSUMERS);
    for place in 0..CONSUMERS {
        let sink = Sink { place, count: 0, sum: 0, sums: Arc::clone(&sums) };
        let sink = consumer(sink, StageOptions::named(format!("sum_{place}"))).await?;
        let mut demand = SubscribeOptions::new().min_demand(MIN_DEMAND).max_demand(MAX_DEMAND);
        if kind == Kind::Partition {
            demand = demand.share(DispatchOptions::new().partition(place));
        }
        sink.subscribe(&source.producer(), demand).await?;
        sinks.push(sink);
    }
    source.set_demand_mode(DemandMode::Forward);
    for sink in sinks {
        sink.ended().await;
    }
    let sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(sums.clone())
}

#[allow(clippy::unnecessary_wraps, reason = "a route may drop an event")]
fn route(x: u64) -> Option<(u64, usize)> {
    #[allow(clippy::cast_possible_truncation, reason = "below four")]
    let place = (x % CONSUMERS as u64) as usize;
    Some((x, place))
}

struct Sink {
    place: usize,
    count: u64,
    sum: u64,
    sums: Sums,
}

impl Consumer for Sink {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let batch = black_box(events.as_slice());
        self.count += batch.len() as u64;
        self.sum = batch.iter().fold(self.sum, |sum, x| sum.wrapping_add(*x));
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason) {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)[self.place] = (self.count, self.sum);
    }
}
