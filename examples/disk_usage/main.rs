//! Ranks disk usage below a directory by owner and extension: a flow over a file tree, joined with the
//! system's users.
//!
//! ```text
//! walk (all stages) ═▶ reduce: sums by owner, extension, age ─▶ merged ═▶ owners ⟕ users ═▶ sorted
//! ```
//!
//! Allocated and apparent sizes agree to the byte with `du -s -x`: one file system, hard links once,
//! directories counted, symbolic links not followed.
#![forbid(unsafe_code)]

mod args;
mod entry_facts;
mod queries;
mod report;
mod totals;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use drip::report::shown;

use args::Args;
use flow::FlowError;
use report::Report;
use stage_core::ExitReason;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let began = std::time::Instant::now();
    let (walked, owners) = match queries::run(&args).await {
        Ok(done) => done,
        Err(error) => {
            eprintln!("disk_usage: {}", shown(why(&error).as_ref()));
            return ExitCode::FAILURE;
        }
    };
    for problem in &walked.problems {
        eprintln!("disk_usage: {}", shown(problem.as_ref()));
    }
    let report = Report::new(&args, &walked, owners, began.elapsed());
    print!("{}", if args.json { report.to_json() } else { report.to_text(&args) });
    // Like du: prints the results that could be read, and signals incomplete ones in the exit code.
    if walked.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Extracts the error that concerns the user, without the name of the stage that could not read the
/// directory.
fn why(error: &FlowError) -> String {
    match error {
        FlowError::Stage { reason: ExitReason::Error(error), .. } => error.to_string(),
        other => other.to_string(),
    }
}
