//! Pipe workloads, their peers, and the promised ratios.

use super::{Contender, DEFAULT, SHAPES, Shape};
use crate::runtime::Workers;
use crate::workload::{self, Peer, Unit, Workload};

/// Returns every pipe, with its peers.
pub fn workloads() -> Vec<Workload> {
    let mut all: Vec<_> = SHAPES.into_iter().map(pipe).collect();
    let one = Workers::one();
    let narrow = SHAPES.into_iter().filter(|shape| shape.steps == 3 && shape.max_demand <= 1000);
    all.extend(narrow.map(|shape| on_one_worker(shape, &one)));
    let default =
        |name, us, peers: &[(Contender, Option<f64>)]| compared(name, DEFAULT, &Workers::Shared, us, peers);
    let fused = [(Contender::OneThread, Some(0.8)), (Contender::Futures, Some(0.9))];
    all.push(default("pipe/k3/fused", Contender::Fused, &fused));
    all.push(default("pipe/k3/macro", Contender::Macro, &[(Contender::Wired, Some(0.97))]));
    all.push(default("supervised/k3", Contender::Us, &[(Contender::Unsupervised, Some(0.95))]));
    all
}

fn pipe(shape: Shape) -> Workload {
    let peers: Vec<_> = peers(shape).iter().map(|peer| (*peer, promised(*peer, shape))).collect();
    compared(&format!("pipe/{shape}"), shape, &Workers::Shared, Contender::Us, &peers)
}

/// With two workers, the ratio contains the time that a contender takes to wake the other core.
fn on_one_worker(shape: Shape, one: &Workers) -> Workload {
    let promised = match shape.max_demand {
        1000 => Some(1.1),
        10 => Some(0.95),
        _ => None,
    };
    let name = format!("pipe/{shape}/one-worker");
    compared(&name, shape, one, Contender::Us, &[(Contender::TokioVec, promised)])
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
        ("k3/1000-500", Contender::TokioVec) => Some(1.6),
        ("k3/1000-500", Contender::TokioItem) => Some(25.0),
        ("k3/1000-500", Contender::Futures) => Some(0.6),
        ("k3/1000-500", Contender::Spsc) => Some(0.3),
        #[cfg(feature = "peers")]
        ("k3/1000-500", Contender::Timely) => Some(1.3),
        ("k3/8000-7500", Contender::Spsc) => Some(0.65),
        ("k3/100-50" | "k3/10-1" | "k0/1000-500", Contender::TokioVec) => Some(1.2),
        _ => None,
    }
}

fn compared(
    name: &str,
    shape: Shape,
    workers: &Workers,
    us: Contender,
    peers: &[(Contender, Option<f64>)],
) -> Workload {
    let of = |contender: Contender| {
        let workers = workers.clone();
        workload::Contender::new(contender.name(), move |runtime, events| {
            Ok(contender.round(workers.runtime(runtime)?, shape, events)?)
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

#[cfg(test)]
mod tests {
    use super::workloads;
    use crate::runtime::runtime;

    #[test]
    fn every_pipe_of_three_steps_has_a_row_on_one_worker_and_sums_up_right_there() {
        let runtime = runtime().unwrap();
        let one: Vec<_> =
            workloads().into_iter().filter(|workload| workload.name.ends_with("/one-worker")).collect();
        let names: Vec<_> = one.iter().map(|workload| workload.name.as_str()).collect();
        let expected = ["1000-500", "100-50", "10-1"].map(|demand| format!("pipe/k3/{demand}/one-worker"));
        assert_eq!(names, expected);
        for workload in &one {
            workload.us.round(&runtime, 10_007).unwrap();
            workload.peers[0].contender.round(&runtime, 10_007).unwrap();
        }
    }
}
