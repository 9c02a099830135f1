//! Machines of a flow, and the results of all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_core::ack::Delivery;
use stage_core::{BoxError, Consumer, Context, Events, Pipeline, StageResult, StepOptions};
use stage_edge::EdgeSource;
use stage_edge::flow::{Numbered, Persist, Totals, Windowed};
use stage_edge::memory::MemoryEdge;
use tokio::time::sleep;

use super::sales::{Sale, Sums};
use crate::machine::{Machine, options};
use crate::recorder::Life;

pub(crate) type Sum = Numbered<u32, (u64, u64)>;

/// The results of all machines. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The results of each partition, by number.
    sums: BTreeMap<(u32, u64), Sum>,
    /// The number of results that were handed out again.
    again: usize,
    faults: Vec<String>,
}

impl Results {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, sum: Sum) {
        let mut state = self.lock();
        let place = (sum.partition, sum.number);
        match state.sums.get(&place) {
            None => drop(state.sums.insert(place, sum)),
            Some(before) if *before == sum => state.again += 1,
            Some(before) => {
                let fault = format!("{before:?} was handed out again as {sum:?}");
                state.faults.push(fault);
            }
        }
    }

    pub(crate) fn again(&self) -> usize {
        self.lock().again
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().sums.len()
    }

    pub(crate) fn sums(&self) -> Sums {
        sums(&self.lock())
    }

    /// Returns the violations of a law, given the results of one process.
    pub(crate) fn faults(&self, expected: &Sums) -> Vec<String> {
        let state = self.lock();
        let mut faults = state.faults.clone();
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        for (partition, number) in state.sums.keys() {
            let next = next.entry(*partition).or_default();
            if number != next {
                faults.push(format!("result {next} of partition {partition} is missing"));
            }
            *next = number + 1;
        }
        let sums = sums(&state);
        if sums.len() != state.sums.len() {
            faults.push("a window has two last results".to_owned());
        }
        let windows = expected.keys().chain(sums.keys());
        let differs = |window: &&(i64, u32)| expected.get(*window) != sums.get(*window);
        let differs = windows.filter(differs).map(|window| {
            let (expected, found) = (expected.get(window), sums.get(window));
            format!("window {window:?} has {found:?}, in one process {expected:?}")
        });
        faults.extend(differs.take(3));
        faults
    }
}

fn sums(state: &State) -> Sums {
    let of = |sum: &Sum| ((sum.result.start, sum.result.key), sum.result.value);
    state.sums.values().map(of).collect()
}

/// The last step of a machine, which takes some time for each result.
#[derive(Clone, Debug)]
struct Recorder {
    life: Life,
    results: Results,
    time: Duration,
}

impl Consumer for Recorder {
    type Event = Delivery<Sum>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<Sum>>, _: &mut Context<'_>) -> StageResult {
        for delivery in events {
            let (sum, token) = delivery.into_parts();
            if !self.time.is_zero() {
                sleep(self.time).await;
            }
            if self.life.is_alive() {
                self.results.add(sum);
            }
            token.acknowledge();
        }
        Ok(())
    }
}

/// Starts a machine that owns partitions of a flow.
pub(crate) async fn start(
    server: &MemoryEdge,
    name: &str,
    results: &Results,
    time: Duration,
    windowed: impl FnOnce(MemoryEdge) -> Windowed<MemoryEdge, Sale, u32, (u64, u64)>,
) -> Machine {
    let edge = server.machine(name);
    let windowed = windowed(edge.clone()).source_options(options(name));
    start_with(edge, name, results, time, move || Ok(windowed.source())).await
}

/// Starts a machine with a share of the input and of the partitions of a flow.
pub(crate) async fn start_totals<T: Persist>(
    server: &MemoryEdge,
    name: &str,
    results: &Results,
    time: Duration,
    totals: impl FnOnce(MemoryEdge) -> Totals<MemoryEdge, T, u32, (u64, u64)>,
) -> Machine {
    let edge = server.machine(name);
    let totals = totals(edge.clone()).source_options(options(name));
    start_with(edge, name, results, time, move || totals.source()).await
}

async fn start_with(
    edge: MemoryEdge,
    name: &str,
    results: &Results,
    time: Duration,
    source: impl Fn() -> Result<EdgeSource<MemoryEdge, Sum>, BoxError> + Send + 'static,
) -> Machine {
    let life = Life::new();
    let recorder = Recorder { life: life.clone(), results: results.clone(), time };
    let pipeline = Pipeline::builder(name)
        .start("sales.in", source)
        .acknowledged()
        .finish(StepOptions::named("record").max_demand(16), move || Ok(recorder.clone()));
    let running = pipeline.start().await.expect("a start");
    Machine::new(edge, life, running)
}
