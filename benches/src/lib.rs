//! Benchmarks: workloads that this project and its peers perform, each as its own best users would write it.
//!
//! Two programs run them: the criterion benches (`cargo bench -p benches`), for this project's own history,
//! and the binary `compare`, which alternates this project and each peer in one process and prints the
//! ratios. The example `files` does the same for drip's upload pipeline (`cargo run --release -p benches --example
//! files`): examples may depend on packages that are never published, such as drip.
//!
//! | module | workload |
//! |---|---|
//! | [`pipe`] | counted events through 0, 1 or 3 trivial steps into a sum |
//! | [`latency`] | one event in flight through three steps |
//! | [`fanout`] | counted events to four consumers: by demand, to all, by partition |
//! | [`words`] | counting the words of a text of 200 MB |
//! | [`usage`] | 5,000,000 records grouped, joined with 100,000 users, sorted |
//! | [`nexmark`] | the queries of Nexmark over 1,000,000 events |
//! | [`idle`] | batches to one busy consumer beside 1, 100 or 10,000 idle ones (for this project's history
//! only) |
//! | [`watched`] | the pipes at 1000/500 and 10/1 and the latency, with a viewer at 10 Hz and without |
//! | [`auto`] | events from 2 ns to 20 ms, with a tuned window and with fixed ones |
//! | [`acked`] | counted events through 3 steps, alone and as deliveries |
//!
//! Every workload keeps these rules: the same work, the same bound on events in flight, the same runtime and
//! the same allocator for all; the result is checked in every round; `black_box` once per batch, never per
//! event.
#![forbid(unsafe_code)]

pub mod acked;
pub mod auto;
pub mod catalogue;
pub mod compare;
#[cfg(feature = "peers")]
mod dataflow;
pub mod fanout;
pub mod idle;
pub mod latency;
pub mod nexmark;
pub mod pipe;
pub mod random;
pub mod runtime;
pub mod usage;
pub mod watched;
pub mod words;
pub mod workload;
