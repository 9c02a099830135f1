//! Does a slow sink hold everything up? However slow it is, little more than the demand is ever on its way.
//!
//! Nothing sleeps. The runtime has one thread, and before each batch the sink steps aside until every other
//! stage has gone as far as it may: the fullest that a pipeline can get.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use stage_core::{
    Consumer, Context, Demand, Emitter, Events, Monitor, Pipeline, Producer, StageResult, StepOptions,
};
use tokio::{sync::watch, task::yield_now};

const EVENTS: u64 = 100_000;
const MAX_DEMAND: usize = 10;

/// Turns in which every other stage may run: more than it takes to fill the pipeline.
const ASIDE: usize = 12;

/// Emits as much as it is asked for, at once.
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

/// What the sink saw, for the test to judge.
#[derive(Default)]
struct Seen {
    handled: AtomicU64,
    most_on_the_way: AtomicU64,
}

/// Steps aside before each batch and then looks at the statistics of all stages.
struct Slow {
    monitor: watch::Receiver<Option<Monitor>>,
    seen: Arc<Seen>,
    /// What may be on the way, at most.
    bound: u64,
}

impl Consumer for Slow {
    type Event = u64;

    async fn handle_events(&mut self, events: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
        for _ in 0..ASIDE {
            yield_now().await;
        }
        let monitor = self.monitor.wait_for(Option::is_some).await?.clone().expect("waited for it");
        let handled = self.seen.handled.load(Ordering::Relaxed);
        let on_the_way = emitted(&monitor) - handled;
        self.seen.most_on_the_way.fetch_max(on_the_way, Ordering::Relaxed);
        if on_the_way > self.bound {
            let stats = monitor.stats();
            return Err(format!(
                "{on_the_way} events on the way after {handled}, bound {}: {stats:#?}",
                self.bound
            )
            .into());
        }
        check_steps(&monitor)?;
        self.seen.handled.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Events that left the source, by its statistics.
fn emitted(monitor: &Monitor) -> u64 {
    let stats = monitor.stats();
    stats.iter().filter(|stage| stage.step == "source").map(|stage| stage.events_out).sum()
}

/// No step passes on more events than it took in.
fn check_steps(monitor: &Monitor) -> StageResult {
    let mut passed: HashMap<String, (u64, u64)> = HashMap::new();
    for stage in monitor.stats() {
        let (taken_in, out) = passed.entry(stage.step).or_default();
        *taken_in += stage.events_in;
        *out += stage.events_out;
    }
    for (step, (taken_in, out)) in passed {
        if step != "source" && out > taken_in {
            return Err(format!("{step} took in {taken_in} events and emitted {out}").into());
        }
    }
    Ok(())
}

/// Runs a source, steps of `copies` and the slow sink; gives the most events that ever were on the way.
async fn most_on_the_way(copies: &[usize], bound: u64) -> u64 {
    let seen = Arc::new(Seen::default());
    let (tell, monitor) = watch::channel(None);
    let mut chain = Pipeline::builder("held_up")
        .defaults(StepOptions::new().min_demand(5).max_demand(MAX_DEMAND))
        .start(StepOptions::named("source"), || Ok(Eager { next: 0 }));
    for (number, copies) in copies.iter().enumerate() {
        let options = StepOptions::named(format!("step_{number}")).count(*copies);
        chain = chain.step_fn(options, |x: u64| x.wrapping_add(1));
    }
    let sinks = Arc::clone(&seen);
    let slow = move || Ok(Slow { monitor: monitor.clone(), seen: Arc::clone(&sinks), bound });
    let running = chain.finish(StepOptions::named("sink"), slow).start().await.expect("the pipeline starts");
    tell.send_replace(Some(running.monitor()));
    let report = running.join().await.expect("never more on the way than the bound");

    assert_eq!(seen.handled.load(Ordering::Relaxed), EVENTS);
    assert!(report.stages.iter().all(|stage| stage.discarded == 0 && stage.restarts == 0), "{report:#?}");
    seen.most_on_the_way.load(Ordering::Relaxed)
}

/// The bound for a pipeline with these copies: twice the sum of `max_demand` over its subscriptions.
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
        assert!(
            most >= MAX_DEMAND as u64,
            "the pipeline was never full: {most} on the way, copies {copies:?}"
        );
    }
}
