//! Contenders of the pipe workload, each timed from the construction of the pipe to its end, each result
//! checked.

use std::time::{Duration, Instant};

use stage_core::watch::Board;
use tokio::runtime::Runtime;

use super::{Shape, crossbeam_vec, declared, futures, one_thread, spsc, tokio_item, tokio_vec, us};
#[cfg(feature = "peers")]
use super::{datum, pumps, timely};

/// One way of building the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Stages of `stage-core`, through its public builder.
    Us,
    /// The same stages, declared by `pipeline!`.
    Macro,
    /// The same stages, wired by the builder: the peer of `Macro`.
    Wired,
    /// The same functions in one stage.
    Fused,
    /// The same stages, wired and started by hand, without a supervisor.
    Unsupervised,
    /// Tasks and bounded tokio channels that carry a `Vec` of events.
    TokioVec,
    /// Tasks and bounded tokio channels that carry single events.
    TokioItem,
    /// Threads and bounded crossbeam channels that carry a `Vec` of events.
    CrossbeamVec,
    /// Stream adapters in one task.
    Futures,
    /// Two threads and a ring: the upper limit.
    Spsc,
    /// A hand-written loop.
    OneThread,
    /// A dataflow on two workers.
    #[cfg(feature = "peers")]
    Timely,
    /// A source, maps and a fold of datum in one stage.
    #[cfg(feature = "peers")]
    Datum,
    /// Pumps and their channels, which carry a `Vec` of events.
    #[cfg(feature = "peers")]
    Pumps,
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
    /// All contenders.
    pub const ALL: &[Self] = &[
        Self::Us,
        Self::Macro,
        Self::Wired,
        Self::Fused,
        Self::Unsupervised,
        Self::TokioVec,
        Self::TokioItem,
        Self::CrossbeamVec,
        Self::Futures,
        Self::Spsc,
        Self::OneThread,
        #[cfg(feature = "peers")]
        Self::Timely,
        #[cfg(feature = "peers")]
        Self::Datum,
        #[cfg(feature = "peers")]
        Self::Pumps,
    ];

    /// Returns the name in tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us | Self::Macro | Self::Fused => "us",
            Self::Wired => "wired",
            Self::Unsupervised => "unsupervised",
            Self::TokioVec => "tokio-vec",
            Self::TokioItem => "tokio-item",
            Self::CrossbeamVec => "crossbeam-vec",
            Self::Futures => "futures",
            Self::Spsc => "spsc",
            Self::OneThread => "one-thread",
            #[cfg(feature = "peers")]
            Self::Timely => "timely",
            #[cfg(feature = "peers")]
            Self::Datum => "datum",
            #[cfg(feature = "peers")]
            Self::Pumps => "pumps",
        }
    }

    /// Sends `events` events through the pipe and returns the duration.
    ///
    /// # Errors
    ///
    /// [`WrongSum`] when the sink did not see every event exactly once and changed by every step.
    ///
    /// # Panics
    ///
    /// If a pipe fails instead of ending.
    pub fn round(self, runtime: &Runtime, shape: Shape, events: u64) -> Result<Duration, WrongSum> {
        let begin = Instant::now();
        let summed = runtime.block_on(async {
            match self {
                Self::Us | Self::Wired => us::run(shape, events).await,
                Self::Macro => declared::run(shape, events).await,
                Self::Fused => us::run_fused(shape, events).await,
                Self::Unsupervised => us::run_unsupervised(shape, events).await,
                Self::TokioVec => tokio_vec::run(shape, events).await,
                Self::TokioItem => tokio_item::run(shape, events).await,
                Self::Futures => futures::run(shape, events).await,
                // It has threads of its own; no other task waits for this one.
                Self::CrossbeamVec => crossbeam_vec::run(shape, events),
                Self::Spsc => spsc::run(shape, events),
                Self::OneThread => one_thread::run(shape, events),
                #[cfg(feature = "peers")]
                Self::Timely => timely::run(shape, events),
                #[cfg(feature = "peers")]
                Self::Datum => datum::run(shape, events),
                #[cfg(feature = "peers")]
                Self::Pumps => pumps::run(shape, events).await,
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

/// Sends `events` events through our pipe, which is on `board` meanwhile, and returns the duration.
///
/// # Errors
///
/// As [`Contender::round`].
///
/// # Panics
///
/// As [`Contender::round`].
pub(crate) fn round_on(
    runtime: &Runtime,
    shape: Shape,
    events: u64,
    board: Option<&Board>,
) -> Result<Duration, WrongSum> {
    let begin = Instant::now();
    let summed = runtime.block_on(us::run_on(shape, events, board));
    let (took, expected) = (begin.elapsed(), shape.expected_sum(events));
    if summed == expected {
        return Ok(took);
    }
    Err(WrongSum { contender: Contender::Us, shape, events, summed, expected })
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
