//! The workload `acked/frames`: deliveries of 1,000 events that are split, and the same frames without acknowledgement.

use std::{cell::OnceCell, rc::Rc, sync::atomic::Ordering, time::Duration};

use stage_core::ack::{AckOptions, Deliveries, Delivery};
use stage_core::{
    BoxError, Context, Demand, Emitter, Events, Init, Pipeline, Producer, ProducerConsumer, StageResult,
    StepOptions,
};
use tokio::runtime::Runtime;

use super::Work;
use super::travel::{Count, demand, sink};
use crate::workload::{Contender, Peer, Unit, Workload};

/// Events of a frame.
const FRAME: u64 = 1_000;

/// Work per event, about that of decoding a small one.
const EACH: Duration = Duration::from_nanos(25);

/// A round that lost events, or reported too few frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("acked/frames: the sum of {events} events is {summed}, and {acknowledged} frames were acknowledged")]
struct WrongFrames {
    events: u64,
    summed: u64,
    acknowledged: u64,
}

/// `acked/frames`.
pub fn frames() -> Workload {
    // Calibrated at first use, and shared by both contenders.
    let work = Rc::new(OnceCell::new());
    let by = |name, acked: bool| {
        let work = Rc::clone(&work);
        Contender::new(name, move |runtime, events| {
            Ok(round(runtime, acked, *work.get_or_init(|| Work::lasting(EACH)), events)?)
        })
    };
    Workload {
        name: "acked/frames".to_owned(),
        unit: Unit::Rate("events/s", 1.0),
        least: 2 * FRAME,
        us: by("us", true),
        peers: vec![Peer { contender: by("unacknowledged", false), at_least: None }],
    }
}

/// Sends the frames of `events` events, a multiple of [`FRAME`] or less, and returns the duration.
fn round(runtime: &Runtime, acked: bool, work: Work, events: u64) -> Result<Duration, WrongFrames> {
    let frames = events.div_ceil(FRAME);
    let (sum, add) = sink();
    let few = |name| StepOptions::named(name).max_demand(8).min_demand(4);
    let builder = Pipeline::builder("frames").defaults(demand());
    let pipeline = if acked {
        builder
            .start("frames", move || Ok(Acked { frames: Frames { next: 0, frames }, deliveries: None }))
            .acknowledged()
            .step(few("split"), || Ok(Split))
            .step_fn("one", move |event| work.on(event))
            .finish_fn("sum", add)
    } else {
        builder
            .start("frames", move || Ok(Frames { next: 0, frames }))
            .step(few("split"), || Ok(Flat))
            .step_fn("one", move |event| work.on(event))
            .finish_fn("sum", add)
    };
    let begin = std::time::Instant::now();
    let report = runtime.block_on(async {
        pipeline.start().await.expect("it starts").join().await.expect("it ends by itself")
    });
    let took = begin.elapsed();
    let (summed, acknowledged) = (sum.load(Ordering::Acquire), report.settlement.acknowledged);
    let events = frames * FRAME;
    // Each event is its number, and one more behind the step.
    let expected = events * (events + 1) / 2;
    if (summed, acknowledged) == (expected, if acked { frames } else { 0 }) {
        return Ok(took);
    }
    Err(WrongFrames { events, summed, acknowledged })
}

/// Emits frames of numbers.
struct Frames {
    next: u64,
    frames: u64,
}

impl Frames {
    fn take(&mut self, demand: Demand) -> std::ops::Range<u64> {
        let from = self.next;
        self.next = self.frames.min(from + demand.get() as u64);
        from..self.next
    }
}

fn frame(number: u64) -> Vec<u64> {
    (number * FRAME..(number + 1) * FRAME).collect()
}

impl Producer for Frames {
    type Event = Vec<u64>;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Vec<u64>>) -> StageResult {
        out.extend(self.take(demand).map(frame));
        if self.next == self.frames {
            out.finish();
        }
        Ok(())
    }
}

/// Delivers frames of numbers.
struct Acked {
    frames: Frames,
    deliveries: Option<Deliveries<u64>>,
}

impl Producer for Acked {
    type Event = Delivery<Vec<u64>>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.deliveries = Some(cx.acknowledge_by(Count, AckOptions::new()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        let deliveries = self.deliveries.as_ref().expect("init came first");
        out.extend(deliveries.deliver(self.frames.take(demand).map(|number| (frame(number), number))));
        if self.frames.next == self.frames.frames {
            out.finish();
        }
        Ok(())
    }
}

struct Split;

impl ProducerConsumer for Split {
    type In = Delivery<Vec<u64>>;
    type Out = Delivery<u64>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        events.into_iter().for_each(|frame| out.split(frame));
        Ok(())
    }
}

struct Flat;

impl ProducerConsumer for Flat {
    type In = Vec<u64>;
    type Out = u64;

    async fn handle_events(
        &mut self,
        events: Events<'_, Vec<u64>>,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        events.into_iter().for_each(|frame| out.extend(frame));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runtime;

    #[test]
    fn both_ways_sum_up_right_and_tell_of_every_frame() {
        let runtime = runtime().unwrap();
        for acked in [true, false] {
            for events in [0, 1, 10 * FRAME] {
                round(&runtime, acked, Work::NONE, events).unwrap();
            }
        }
    }
}
