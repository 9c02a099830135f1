//! Fan-out workloads, their peers, and the promised ratios.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{Kind, tokio_vec, us};
use crate::workload::{Contender, Peer, Unit, Workload};

/// A consumer did not get the right events.
#[derive(Clone, Debug, thiserror::Error)]
#[error("fanout/{kind}: of {events} events, consumers got and summed up {sums:?}", kind = kind.name())]
struct WrongSums {
    kind: Kind,
    events: u64,
    sums: Vec<(u64, u64)>,
}

/// `fanout/demand`, `fanout/broadcast` and `fanout/partition`.
pub fn workloads() -> Vec<Workload> {
    Kind::ALL.into_iter().map(workload).collect()
}

fn workload(kind: Kind) -> Workload {
    let at_least = match kind {
        Kind::Demand | Kind::Partition => 1.0,
        Kind::Broadcast => 1.2,
    };
    let us = Contender::new("us", move |runtime: &Runtime, events| {
        checked(kind, events, || {
            runtime.block_on(us::run(kind, events)).map_err(|error| -> Box<dyn Error> { error })
        })
    });
    let contender = Contender::new("tokio-vec", move |runtime: &Runtime, events| {
        checked(kind, events, || Ok(runtime.block_on(tokio_vec::run(kind, events))))
    });
    Workload {
        name: format!("fanout/{}", kind.name()),
        unit: Unit::Rate("events/s", 1.0),
        least: 20_000,
        us,
        peers: vec![Peer { contender, at_least: Some(at_least) }],
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
