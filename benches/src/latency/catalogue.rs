//! Latency workloads: the median and the 99th percentile, on two workers and on one.

use std::{error::Error, time::Duration};

use stage_core::watch::Board;
use tokio::runtime::Runtime;

use super::{STEPS, quantile, tokio_item, us};
use crate::runtime::Workers;
use crate::workload::{Contender, Peer, Unit, Workload};

/// The promised maximum ratio to the peer's time.
const AT_MOST: f64 = 1.15;
/// Minimum number of events per round: with fewer, the 99th percentile is chance.
const LEAST: u64 = 2_000;

/// An event was lost or duplicated.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{seen} events arrived of {events}")]
struct WrongNumber {
    seen: usize,
    events: u64,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    Us,
    Tokio,
}

/// Returns `latency/k3/p50` and `latency/k3/p99`, and the same on one worker.
pub fn workloads() -> Vec<Workload> {
    let quantiles = [("p50", 0.5), ("p99", 0.99)];
    let both = quantiles.map(|(name, share)| workload(format!("latency/k3/{name}"), share, &Workers::Shared));
    let single = Workers::one();
    let one =
        quantiles.map(|(name, share)| workload(format!("latency/k3/{name}/one-worker"), share, &single));
    both.into_iter().chain(one).collect()
}

fn workload(name: String, share: f64, workers: &Workers) -> Workload {
    let of = |name, who| {
        let workers = workers.clone();
        Contender::new(name, move |runtime, events| round(workers.runtime(runtime)?, who, share, events))
    };
    let peer = Peer { contender: of("tokio-item", Who::Tokio), at_least: Some(AT_MOST) };
    Workload { name, unit: Unit::Microseconds, least: LEAST, us: of("us", Who::Us), peers: vec![peer] }
}

fn round(runtime: &Runtime, who: Who, share: f64, events: u64) -> Result<Duration, Box<dyn Error>> {
    // Runs within the runtime, so that no hop to this thread is measured.
    let run = async move {
        match who {
            Who::Us => us::run(STEPS, events).await,
            Who::Tokio => tokio_item::run(STEPS, events).await,
        }
    };
    let times = runtime.block_on(runtime.spawn(run))?;
    if times.len() as u64 != events {
        return Err(WrongNumber { seen: times.len(), events }.into());
    }
    Ok(quantile(times, share))
}

/// Returns the latency of `share` of the events of our pipeline, which is on `board` meanwhile.
pub(crate) fn round_on(
    runtime: &Runtime,
    share: f64,
    events: u64,
    board: Option<&Board>,
) -> Result<Duration, Box<dyn Error>> {
    let times = runtime.block_on(runtime.spawn(us::run_on(STEPS, events, board.cloned())))?;
    if times.len() as u64 != events {
        return Err(WrongNumber { seen: times.len(), events }.into());
    }
    Ok(quantile(times, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_arrives() {
        let runtime = crate::runtime::runtime().unwrap();
        for workload in workloads() {
            workload.us.round(&runtime, 100).unwrap();
            workload.peers[0].contender.round(&runtime, 100).unwrap();
        }
    }
}
