//! Counts the clicks of each customer on as many machines as one starts, and ranks the customers in sliding windows.
//!
//! ```text
//!   fleet feed                        fleet worker, any number of them
//!   clicks ─▶ parse ─▶ enrich ─▶ [clicks] ─▶ tally, by customer ─▶ [counts] ─▶ rank, on one worker
//! ```
//!
//! `[clicks]` and `[counts]` are edges: between the processes, the events are on a server. `cargo run -p examples --bin
//! fleet -- --local` runs all parts in one process, with the edges in memory. The README shows three processes on one
//! laptop.
#![forbid(unsafe_code)]

mod args;
mod click;
mod feed;
mod lines;
mod pipeline;
mod ranking;
mod run;
#[cfg(feature = "nats")]
mod status;

use std::process::ExitCode;

use clap::Parser;
use stage_core::BoxError;
use stage_edge::memory::MemoryEdge;

use args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    match Box::pin(run(Args::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BoxError> {
    let Args { command, local, server, options } = args;
    match (command, local, server) {
        (None, true, _) => run::local(MemoryEdge::new(), &options).await,
        #[cfg(feature = "nats")]
        (Some(command), _, Some(server)) => {
            let edge = stage_nats::edge::NatsEdge::new(stage_nats::Server::new(&server)?);
            match command {
                args::Command::Feed => run::feed(edge, &options).await,
                args::Command::Worker => run::worker(edge, &options).await,
                args::Command::Status => run::status(&edge).await,
            }
        }
        #[cfg(not(feature = "nats"))]
        (Some(_), _, Some(_)) => Err("this program knows no server: build it with `--features nats`".into()),
        (None, false, _) => Err("what shall run? Write `--local`, or `feed`, `worker` or `status`".into()),
        (Some(_), ..) => Err("where is the server? Write `--server nats://127.0.0.1:4222`".into()),
    }
}
