//! Comparison with the peers: `cargo run --release -p benches --bin compare [-- --json] [--quick] [WORKLOAD…]`
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::{catalogue, compare};

fn main() -> ExitCode {
    for (peers, feature) in catalogue::left_out() {
        eprintln!("left out: {peers}, which come with `--features {feature}`");
    }
    compare::run("--bin compare", catalogue::all)
}
