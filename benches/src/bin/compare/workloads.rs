//! What can be compared? Every workload, its peers, and the ratio we promise against each.

use std::{error::Error, time::Duration};

use benches::pipe::{Contender, SHAPES, Shape};
use serde::Serialize;
use tokio::runtime::Runtime;

/// One kind of work, done by us and by every peer.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: String,
    /// What the figures of the contenders are.
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) peers: Vec<Peer>,
    work: Work,
}

/// Someone else's way of doing the work.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) contender: Contender,
    /// The least ratio we promise (the greatest, where lower is better).
    pub(crate) at_least: Option<f64>,
}

/// Which figure wins.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
}

#[derive(Debug)]
enum Work {
    Pipe(Shape),
}

/// All workloads, in the order in which they are run and printed.
pub(crate) fn all() -> Vec<Workload> {
    SHAPES.into_iter().map(pipe).collect()
}

fn pipe(shape: Shape) -> Workload {
    let name = format!("pipe/{shape}");
    let promised = |contender| match (name.as_str(), contender) {
        ("pipe/k3/1000-500", Contender::TokioVec) => Some(1.0),
        _ => None,
    };
    let peers = [Contender::TokioVec, Contender::TokioItem]
        .map(|contender| Peer { contender, at_least: promised(contender) });
    Workload { unit: "events/s", better: Better::Higher, peers: peers.into(), work: Work::Pipe(shape), name }
}

/// How much work a contender does in one round, so that a round takes as long as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(u64);

impl Workload {
    /// Finds the size with which a round of `contender` takes about `budget`.
    pub(crate) fn fit(
        &self,
        contender: Contender,
        runtime: &Runtime,
        budget: Duration,
    ) -> Result<Size, Box<dyn Error>> {
        let Work::Pipe(shape) = self.work;
        let mut events = 20_000;
        loop {
            let took = contender.round(runtime, shape, events)?;
            let factor = budget.as_secs_f64() / took.as_secs_f64().max(1e-6);
            // A tenth of the budget is long enough to trust the rate.
            if factor <= 10.0 {
                return Ok(Size(scaled(events, factor)));
            }
            events = scaled(events, (factor / 2.0).min(20.0));
        }
    }

    /// One round of `contender`: its figure, in the workload's unit.
    pub(crate) fn round(
        &self,
        contender: Contender,
        runtime: &Runtime,
        size: Size,
    ) -> Result<f64, Box<dyn Error>> {
        let Work::Pipe(shape) = self.work;
        let Size(events) = size;
        let took = contender.round(runtime, shape, events)?;
        Ok(as_figure(events) / took.as_secs_f64())
    }
}

/// Counts stay far below 2^53, where every integer is a float.
#[allow(clippy::cast_precision_loss)]
const fn as_figure(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled(count: u64, factor: f64) -> u64 {
    (as_figure(count) * factor).max(1.0) as u64
}
