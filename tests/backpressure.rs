//! Back-pressure of a slow sink: however slow it is, the events in flight hardly exceed the demand.
//!
//! No test sleeps. The runtime has one thread, and before each batch the sink yields until the statistics of
//! all stages stop changing: the pipeline is then as full as possible.
#![forbid(unsafe_code)]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stage_core::pipeline::Monitor;
use stage_core::stats::StageStats;
use stage_core::{Consumer, Context, Demand, Emitter, Events, Pipeline, Producer, StageResult, StepOptions};
use tokio::{sync::watch, task::yield_now};

const EVENTS: u64 = 100_000;
const MAX_DEMAND: usize = 10;

/// A source that meets all demand at once.
struct Eager {
    next: u64,
}

impl Producer for Eager {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        let end = EVENTS.min(self.next + demand.get() as u64);
        out.extend(self.next..end);
        self.next = end;
        if end == EVENTS {
            out.finish();
        }
        Ok(())
    }
}

/// A sink that, before each batch, lets all other stages run until they are idle, and then reads their
/// statistics.
struct Slow {
    monitor: watch::Receiver<Option<Monitor>>,
    /// The maximum number of events in flight before any batch.
    most: Arc<AtomicU64>,
    /// The allowed maximum.
    bound: u64,
}

impl Consumer for Slow {
    type Event = u64;

    async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        let monitor = self.monitor.wait_for(Option::is_some).await?.clone().expect("waited for it");
        let stats = at_rest(&monitor).await;
        let on_the_way = on_the_way(&stats);
        self.most.fetch_max(on_the_way, Ordering::Relaxed);
        if on_the_way > self.bound {
            return Err(format!("{on_the_way} events on the way, bound {}: {stats:#?}", self.bound).into());
        }
        check_steps(&stats)
    }
}

/// Yields until a turn of all other stages moves no event. The times of a stage always advance, so only events are
/// compared.
async fn at_rest(monitor: &Monitor) -> Vec<StageStats> {
    let events = |stats: &StageStats| {
        (stats.events_in, stats.events_out, stats.buffered, stats.discarded, stats.demand)
    };
    let mut before = Vec::new();
    loop {
        yield_now().await;
        let stats = monitor.stats();
        let now: Vec<_> = stats.iter().map(events).collect();
        if now == before {
            return stats;
        }
        before = now;
    }
}

/// Returns the number of events that the source emitted, with or without demand, and the sink has not
/// handled.
fn on_the_way(stats: &[StageStats]) -> u64 {
    let [source, .., sink] = stats else { panic!("a source and a sink, not {stats:#?}") };
    source.events_out + source.buffered - sink.events_in
}

/// Checks that no step passes on more events than it took in.
fn check_steps(stats: &[StageStats]) -> StageResult {
    for copies in stats[1..].chunk_by(|one, next| one.step == next.step) {
        let taken_in: u64 = copies.iter().map(|copy| copy.events_in).sum();
        let out: u64 = copies.iter().map(|copy| copy.events_out + copy.buffered).sum();
        if out > taken_in {
            return Err(format!("{} took in {taken_in} events and emitted {out}", copies[0].step).into());
        }
    }
    Ok(())
}

/// Runs a source, steps of `copies` and the slow sink; returns the maximum number of events in flight.
async fn most_on_the_way(copies: &[usize], bound: u64) -> u64 {
    let most = Arc::new(AtomicU64::new(0));
    let (tell, monitor) = watch::channel(None);
    let mut chain = Pipeline::builder("held_up")
        .defaults(StepOptions::new().min_demand(5).max_demand(MAX_DEMAND))
        .start(StepOptions::named("source"), || Ok(Eager { next: 0 }));
    for (number, copies) in copies.iter().enumerate() {
        let options = StepOptions::named(format!("step_{number}")).count(*copies);
        chain = chain.step_fn(options, |x: u64| x.wrapping_add(1));
    }
    let seen = Arc::clone(&most);
    let slow = move || Ok(Slow { monitor: monitor.clone(), most: Arc::clone(&seen), bound });
    let running = chain.finish(StepOptions::named("sink"), slow).start().await.expect("the pipeline starts");
    tell.send_replace(Some(running.monitor()));
    let report = running.join().await.expect("never more on the way than the bound");

    assert_eq!(report.stages.last().map(|sink| sink.events_in), Some(EVENTS), "{report:#?}");
    assert!(report.stages.iter().all(|stage| stage.discarded == 0 && stage.restarts == 0), "{report:#?}");
    most.load(Ordering::Relaxed)
}

/// Returns the bound for a pipeline with these copies: twice the sum of `max_demand` over its subscriptions.
fn bound(copies: &[usize]) -> u64 {
    let mut steps = vec![1];
    steps.extend(copies);
    steps.push(1);
    let subscriptions: usize = steps.windows(2).map(|pair| pair[0] * pair[1]).sum();
    2 * (MAX_DEMAND * subscriptions) as u64
}

#[tokio::test]
async fn behind_a_slow_sink_at_most_twice_the_demand_is_on_the_way() {
    for copies in [&[][..], &[1], &[1, 1, 1], &[4], &[2, 3]] {
        let bound = bound(copies);
        let most = most_on_the_way(copies, bound).await;
        assert!(most <= bound, "{most} events on the way, bound {bound}, copies {copies:?}");
        assert!(most >= bound / 4, "the pipeline was never full: {most} on the way, copies {copies:?}");
    }
}
