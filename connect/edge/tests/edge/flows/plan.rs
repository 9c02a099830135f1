//! The runs of the laws of flows: their properties, which follow from a seed, and their verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use stage_edge::EdgeSpec;
use stage_edge::flow::Mutant;
use stage_edge::memory::MemoryEdge;
use tokio::time::timeout;

use super::machine::Results;
use super::sales::{Sums, spec};
use crate::chance::Chance;
use crate::machine::SECOND;

/// The properties of a run with faults `F`.
pub(crate) struct Plan<F> {
    /// Whether the ways combine the sales before they send them.
    pub(crate) combines: bool,
    pub(crate) spec: EdgeSpec,
    pub(crate) troubles: Vec<F>,
    /// The time for each result.
    pub(crate) time: Duration,
    /// The longest time between two sales of a way.
    pub(crate) pace: u64,
    pub(crate) snapshots: Duration,
    pub(crate) mutant: Option<Mutant>,
}

impl<F> Plan<F> {
    pub(crate) fn seeded(chance: &mut Chance, troubles: Vec<F>) -> Self {
        Self {
            combines: false,
            spec: spec().frames_kept(1 + chance.some(40)).frame_bytes(*chance.choose(&[1, 120, 400])),
            troubles,
            time: *chance.choose(&[Duration::ZERO, SECOND / 100]),
            pace: *chance.choose(&[1, 100, 300]),
            snapshots: *chance.choose(&[SECOND / 10, SECOND, 10 * SECOND]),
            mutant: None,
        }
    }
}

/// Returns the violations of the law by a run that `ends` within `limit`, and whose results are those `expected`.
pub(crate) async fn verdict(
    server: &MemoryEdge,
    results: &Results,
    expected: &Sums,
    limit: Duration,
    ends: impl Future<Output = ()>,
) -> Vec<String> {
    let mut faults = Vec::new();
    if timeout(limit, ends).await.is_err() {
        faults.push(format!("{} results, and {} frames remain", results.len(), server.frames("sales")));
    }
    faults.extend(results.faults(expected));
    if !server.dead_letters().is_empty() {
        faults.push(format!("{:?}", server.dead_letters()));
    }
    faults
}

/// Asserts that some seed finds the mutant in the run that it decides.
#[track_caller]
pub(crate) fn assert_caught(run: impl Fn(u64) -> Vec<String>) {
    let caught = (0..60)
        .any(|seed| catch_unwind(AssertUnwindSafe(|| run(seed))).map_or(true, |faults| !faults.is_empty()));
    assert!(caught, "no seed found the mutant");
}
