//! Memory use of flows: `run` over a long stream, and the words of a large file, with memory sampled
//! meanwhile.
//!
//! `cargo run --release -p benches --bin memory -- stream --gigabytes 20`
//! `cargo run --release -p benches --bin memory -- words --gigabytes 1`
#![forbid(unsafe_code)]

mod resident;
mod stream;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs a flow and says how long it took and how much memory the process had
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Runs a flow over events that are made as they are asked for; fails if memory grows
    Stream {
        /// How many bytes the events have together, in 10^9
        #[arg(long, default_value_t = 20)]
        gigabytes: u64,
    },
    /// Counts the words of a text that is made for it
    Words {
        /// How large the text is, in 10^9 bytes
        #[arg(long, default_value_t = 1)]
        gigabytes: u64,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Stream { gigabytes } => stream::run(gigabytes * 1_000_000_000),
        What::Words { gigabytes } => words::run(gigabytes * 1_000_000_000),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
