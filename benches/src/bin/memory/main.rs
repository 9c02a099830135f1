//! Memory use of flows: `run` over a long stream, and the words of a large file, with memory sampled
//! meanwhile; the bytes that a key costs; and the queries of Nexmark over a long input.
//!
//! `cargo run --release -p benches --bin memory -- stream --gigabytes 20`
//! `cargo run --release -p benches --bin memory -- words --gigabytes 1`
//! `cargo run --release -p benches --bin memory -- keys --keys 1000000`
//! `cargo run --release -p benches --bin memory -- nexmark --events 6000000`
#![forbid(unsafe_code)]

mod apart;
mod keys;
mod nexmark;
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
    /// Measures the bytes that a key costs in steps with state, beside a hash table by hand
    Keys {
        /// How many different keys there are
        #[arg(long, default_value_t = 1_000_000)]
        keys: u64,
        /// The only case to measure, in this process
        #[arg(long)]
        case: Option<String>,
    },
    /// Runs the queries of Nexmark over a number of events and a quarter of it; fails if the memory of a query grows
    /// whose state is bounded
    Nexmark {
        /// How many events there are; 10,000 are a second of event time
        #[arg(long, default_value_t = 6_000_000)]
        events: u64,
        /// The only query to run, in this process, and over `events` alone
        #[arg(long)]
        query: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Stream { gigabytes } => stream::run(gigabytes * 1_000_000_000),
        What::Words { gigabytes } => words::run(gigabytes * 1_000_000_000),
        What::Keys { keys, case } => keys::run(keys, case.as_deref()),
        What::Nexmark { events, query } => nexmark::run(events, query.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
