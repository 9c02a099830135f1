//! Workloads that compare a watched pipeline with the same one unwatched.

use std::{cell::OnceCell, rc::Rc};

use stage_core::watch::Board;

use super::viewer::Viewer;
use crate::latency;
use crate::pipe::{self, DEFAULT, SHAPES, Shape};
use crate::workload::{Contender, Peer, Unit, Workload};

/// The promised minimum ratio of throughput.
const AT_LEAST: f64 = 0.98;

/// The promised maximum ratio of latency.
const AT_MOST: f64 = 1.02;

/// Returns the pipes at 1000/500 and at 10/1, and the median latency.
pub fn workloads() -> Vec<Workload> {
    let narrow = SHAPES.into_iter().find(|shape| (shape.steps, shape.max_demand) == (3, 10));
    let mut all: Vec<_> = [Some(DEFAULT), narrow].into_iter().flatten().map(pipe).collect();
    all.push(latency());
    all
}

/// A viewer that starts with the first round.
type Lazy = Rc<OnceCell<Viewer>>;

fn board(viewer: Option<&Lazy>) -> Option<&Board> {
    viewer.map(|viewer| &viewer.get_or_init(Viewer::start).board)
}

fn pipe(shape: Shape) -> Workload {
    let of = |name, viewer: Option<Lazy>| {
        Contender::new(name, move |runtime, events| {
            Ok(pipe::round_on(runtime, shape, events, board(viewer.as_ref()))?)
        })
    };
    compared(format!("watched/pipe/{shape}"), Unit::Rate("events/s", 1.0), 20_000, AT_LEAST, of)
}

fn latency() -> Workload {
    let of = |name, viewer: Option<Lazy>| {
        Contender::new(name, move |runtime, events| {
            latency::round_on(runtime, 0.5, events, board(viewer.as_ref()))
        })
    };
    compared("watched/latency/k3/p50".to_owned(), Unit::Microseconds, 2_000, AT_MOST, of)
}

fn compared(
    name: String,
    unit: Unit,
    least: u64,
    bound: f64,
    of: impl Fn(&'static str, Option<Lazy>) -> Contender,
) -> Workload {
    let peer = Peer { contender: of("unwatched", None), at_least: Some(bound) };
    Workload { name, unit, least, us: of("us", Some(Lazy::default())), peers: vec![peer] }
}
