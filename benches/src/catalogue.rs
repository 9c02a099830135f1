//! Which workloads are there, in which order, and how large is what they work on?

use crate::{acked, fanout, files, latency, pipe, usage, words, workload::Workload};

/// How large the inputs of workloads with files or records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As the table of promises says.
    Full,
    /// A tenth of it.
    Tenth,
}

/// The peers that this build leaves out, and the features that have them.
pub fn left_out() -> Vec<(&'static str, &'static str)> {
    let all = [
        ("timely, datum and pumps", "peers", cfg!(feature = "peers")),
        ("renoir", "renoir", cfg!(feature = "renoir")),
    ];
    all.into_iter().filter(|(.., built)| !built).map(|(peers, feature, _)| (peers, feature)).collect()
}

/// All workloads, in the order in which they are run and printed.
///
/// Inputs are made when a workload is run for the first time.
pub fn all(scale: Scale) -> Vec<Workload> {
    let mut all = pipe::workloads();
    all.extend(latency::workloads());
    all.extend(fanout::workloads());
    all.push(acked::workload());
    all.extend(words::workloads(scale));
    all.push(usage::workload(scale));
    all.extend(files::workloads(scale));
    all
}
