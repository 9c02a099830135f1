//! Fan-out workloads, their peers, and the promised ratios.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{Kind, tokio_vec, us};
use crate::runtime::Workers;
use crate::workload::{Contender, Peer, Unit, Workload};

/// A consumer did not get the right events.
#[derive(Clone, Debug, thiserror::Error)]
#[error("fanout/{kind}: of {events} events, consumers got and summed up {sums:?}", kind = kind.name())]
struct WrongSums {
    kind: Kind,
    events: u64,
    sums: Vec<(u64, u64)>,
}

/// `fanout/demand`, `fanout/broadcast` and `fanout/partition`, and the same on one worker.
pub fn workloads() -> Vec<Workload> {
    let promised = |kind| match kind {
        Kind::Demand => 1.0,
        Kind::Broadcast => 1.2,
        Kind::Partition => 1.1,
    };
    let named = |kind: Kind| format!("fanout/{}", kind.name());
    let one = Workers::one();
    let both = Kind::ALL.map(|kind| workload(named(kind), kind, &Workers::Shared, Some(promised(kind))));
    let single = Kind::ALL.map(|kind| workload(format!("{}/one-worker", named(kind)), kind, &one, None));
    both.into_iter().chain(single).collect()
}

fn workload(name: String, kind: Kind, workers: &Workers, at_least: Option<f64>) -> Workload {
    let (ours, theirs) = (workers.clone(), workers.clone());
    let us = Contender::new("us", move |runtime: &Runtime, events| {
        let runtime = ours.runtime(runtime)?;
        checked(kind, events, || {
            runtime.block_on(us::run(kind, events)).map_err(|error| -> Box<dyn Error> { error })
        })
    });
    let contender = Contender::new("tokio-vec", move |runtime: &Runtime, events| {
        let runtime = theirs.runtime(runtime)?;
        checked(kind, events, || Ok(runtime.block_on(tokio_vec::run(kind, events))))
    });
    Workload {
        name,
        unit: Unit::Rate("events/s", 1.0),
        least: 20_000,
        us,
        peers: vec![Peer { contender, at_least }],
    }
}

fn checked(
    kind: Kind,
    events: u64,
    run: impl FnOnce() -> Result<Vec<(u64, u64)>, Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let began = Instant::now();
    let sums = run()?;
    let took = began.elapsed();
    if kind.is_right(&sums, events) { Ok(took) } else { Err(WrongSums { kind, events, sums }.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consumer_gets_its_events_from_all_producers() {
        let runtime = crate::runtime::runtime().unwrap();
        for workload in workloads() {
            for events in [0, 1, 10_007] {
                workload.us.round(&runtime, events).unwrap();
                workload.peers[0].contender.round(&runtime, events).unwrap();
            }
        }
    }
}
