//! Comparison with the peers: this project and each peer alternate in one process, and each pair gives a
//! ratio.
//!
//! `cargo run --release -p benches --bin compare [-- --json] [--quick] [WORKLOAD…]`
#![forbid(unsafe_code)]

mod cli;
mod machine;
mod measure;
mod report;
mod row;
mod statistics;

use std::process::ExitCode;

use benches::catalogue;
use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let all = catalogue::all(arguments.scale());
    let chosen = match cli::choose(&arguments.workloads, &all) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("error: {unknown}");
            return ExitCode::from(2);
        }
    };
    for (peers, feature) in catalogue::left_out() {
        eprintln!("left out: {peers}, which come with `--features {feature}`");
    }
    match measure::measure(&chosen, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
