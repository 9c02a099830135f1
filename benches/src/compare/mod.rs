//! Comparison with the peers: this project and each peer alternate in one process, and each pair gives a
//! ratio.

mod cli;
mod machine;
mod measure;
mod report;
mod row;
mod statistics;

use std::process::ExitCode;

use clap::Parser;

use crate::{catalogue::Scale, workload::Workload};

/// Measures the workloads that the command line names, of those that `workloads` returns. `program` is the argument by
/// which cargo runs this program, such as `--bin compare`.
pub fn run(program: &str, workloads: impl FnOnce(Scale) -> Vec<Workload>) -> ExitCode {
    let arguments = cli::Arguments::parse();
    let all = workloads(arguments.scale());
    let chosen = match cli::choose(&arguments.workloads, &all) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("error: {unknown}");
            return ExitCode::from(2);
        }
    };
    match measure::measure(&chosen, &arguments, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
