//! Pipe workloads, their peers, and the promised ratios.

use super::{Contender, DEFAULT, SHAPES, Shape};
use crate::workload::{self, Peer, Unit, Workload};

/// Returns every pipe, with its peers.
pub fn workloads() -> Vec<Workload> {
    let mut all: Vec<_> = SHAPES.into_iter().map(pipe).collect();
    let fused = &[(Contender::OneThread, Some(0.8))];
    all.push(compared("pipe/k3/fused", DEFAULT, Contender::Fused, fused));
    let shape = DEFAULT;
    all.push(compared("pipe/k3/macro", shape, Contender::Macro, &[(Contender::Wired, Some(0.97))]));
    all.push(compared("supervised/k3", shape, Contender::Us, &[(Contender::Unsupervised, Some(0.95))]));
    all
}

fn pipe(shape: Shape) -> Workload {
    let peers: Vec<_> = peers(shape).iter().map(|peer| (*peer, promised(*peer, shape))).collect();
    compared(&format!("pipe/{shape}"), shape, Contender::Us, &peers)
}

fn peers(shape: Shape) -> &'static [Contender] {
    use Contender::{CrossbeamVec, Futures, Spsc, TokioItem, TokioVec};
    #[cfg(feature = "peers")]
    use Contender::{Datum, Pumps, Timely};
    match shape.max_demand {
        #[cfg(feature = "peers")]
        1000 => &[TokioVec, TokioItem, CrossbeamVec, Futures, Spsc, Timely, Datum, Pumps],
        #[cfg(not(feature = "peers"))]
        1000 => &[TokioVec, TokioItem, CrossbeamVec, Futures, Spsc],
        8000 => &[TokioVec, Spsc],
        _ => &[TokioVec, TokioItem],
    }
}

/// Returns the promised ratio.
fn promised(peer: Contender, shape: Shape) -> Option<f64> {
    match (shape.to_string().as_str(), peer) {
        ("k3/1000-500", Contender::TokioVec) => Some(1.5),
        ("k3/1000-500", Contender::TokioItem) => Some(50.0),
        ("k3/1000-500", Contender::Spsc) => Some(0.3),
        ("k3/8000-7500", Contender::Spsc) => Some(0.5),
        ("k3/100-50" | "k0/1000-500", Contender::TokioVec) => Some(1.2),
        ("k3/10-1", Contender::TokioVec) => Some(1.0),
        _ => None,
    }
}

fn compared(name: &str, shape: Shape, us: Contender, peers: &[(Contender, Option<f64>)]) -> Workload {
    let of = |contender: Contender| {
        workload::Contender::new(contender.name(), move |runtime, events| {
            Ok(contender.round(runtime, shape, events)?)
        })
    };
    let peer = |(contender, at_least): &(Contender, Option<f64>)| Peer {
        contender: of(*contender),
        at_least: *at_least,
    };
    Workload {
        name: name.to_owned(),
        unit: Unit::Rate("events/s", 1.0),
        least: 20_000,
        us: of(us),
        peers: peers.iter().map(peer).collect(),
    }
}
