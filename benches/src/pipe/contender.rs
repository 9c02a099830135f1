//! Who runs the pipe? We and the peers, each timed from building it to its end, each result checked.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{SHAPES, Shape, tokio_item, tokio_vec, us};
use crate::workload::{self, Peer, Unit, Workload};

/// One way of building the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Stages of `stage-core`, through its public builder.
    Us,
    /// Tasks and bounded tokio channels that carry a `Vec` of events.
    TokioVec,
    /// Tasks and bounded tokio channels that carry single events.
    TokioItem,
}

/// A pipe lost, doubled or changed events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pipe/{shape} of {contender}: the sum of {events} events is {summed}, not {expected}", contender = contender.name())]
pub struct WrongSum {
    contender: Contender,
    shape: Shape,
    events: u64,
    summed: u64,
    expected: u64,
}

impl Contender {
    /// Everybody.
    pub const ALL: [Self; 3] = [Self::Us, Self::TokioVec, Self::TokioItem];

    /// The name in tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::TokioVec => "tokio-vec",
            Self::TokioItem => "tokio-item",
        }
    }

    /// The ratio that we promise.
    fn promised(self, shape: Shape) -> Option<f64> {
        match (shape.to_string().as_str(), self) {
            ("k3/1000-500", Self::TokioVec) => Some(1.5),
            ("k3/1000-500", Self::TokioItem) => Some(50.0),
            ("k3/100-50" | "k0/1000-500", Self::TokioVec) => Some(1.2),
            ("k3/10-1", Self::TokioVec) => Some(1.0),
            _ => None,
        }
    }

    /// This pipe by this contender.
    fn of(self, shape: Shape) -> workload::Contender {
        workload::Contender::new(self.name(), move |runtime, events| Ok(self.round(runtime, shape, events)?))
    }

    /// Sends `events` events through the pipe and says how long that took.
    ///
    /// # Errors
    ///
    /// [`WrongSum`] when the sink did not see every event exactly once and changed by every step.
    ///
    /// # Panics
    ///
    /// When a pipe fails instead of ending.
    pub fn round(self, runtime: &Runtime, shape: Shape, events: u64) -> Result<Duration, WrongSum> {
        let begin = Instant::now();
        let summed = runtime.block_on(async {
            match self {
                Self::Us => us::run(shape, events).await,
                Self::TokioVec => tokio_vec::run(shape, events).await,
                Self::TokioItem => tokio_item::run(shape, events).await,
            }
        });
        let took = begin.elapsed();
        let expected = shape.expected_sum(events);
        if summed == expected {
            return Ok(took);
        }
        Err(WrongSum { contender: self, shape, events, summed, expected })
    }
}

/// Every pipe, with its peers.
pub fn workloads() -> Vec<Workload> {
    SHAPES.into_iter().map(workload).collect()
}

fn workload(shape: Shape) -> Workload {
    let peer =
        |contender: Contender| Peer { contender: contender.of(shape), at_least: contender.promised(shape) };
    Workload {
        name: format!("pipe/{shape}"),
        unit: Unit::Rate("events/s", 1.0),
        least: 20_000,
        us: Contender::Us.of(shape),
        peers: [Contender::TokioVec, Contender::TokioItem].map(peer).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Contender;
    use crate::{pipe::SHAPES, runtime::runtime};

    #[test]
    fn every_contender_sums_every_pipe_up_right() {
        let runtime = runtime().unwrap();
        for shape in SHAPES {
            for contender in Contender::ALL {
                for events in [0, 1, 10_007] {
                    contender.round(&runtime, shape, events).unwrap();
                }
            }
        }
    }
}
