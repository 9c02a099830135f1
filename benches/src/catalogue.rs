//! List of the workloads of `compare`, in order, and the size of their inputs.

use crate::{acked, auto, fanout, latency, nexmark, pipe, usage, watched, words, workload::Workload};

/// The size of the inputs of workloads with files or records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The size that the promises refer to.
    Full,
    /// A tenth of it.
    Tenth,
}

/// Returns the peers that this build leaves out, each with the feature that adds it.
pub fn left_out() -> Vec<(&'static str, &'static str)> {
    let all = [
        ("timely, datum and pumps", "peers", cfg!(feature = "peers")),
        ("renoir", "renoir", cfg!(feature = "renoir")),
    ];
    all.into_iter().filter(|(.., built)| !built).map(|(peers, feature, _)| (peers, feature)).collect()
}

/// Returns all workloads, in the order in which they are run and printed.
///
/// Inputs are made when a workload runs for the first time.
pub fn all(scale: Scale) -> Vec<Workload> {
    let mut all = pipe::workloads();
    all.extend(latency::workloads());
    all.extend(watched::workloads());
    all.extend(fanout::workloads());
    all.push(acked::workload());
    all.push(acked::frames());
    all.extend(auto::workloads(scale));
    all.extend(words::workloads(scale));
    all.push(usage::workload(scale));
    all.extend(nexmark::workloads(scale));
    all
}
