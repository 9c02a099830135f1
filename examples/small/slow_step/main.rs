//! A pipeline whose bottleneck moves to the next step every ten seconds, to look at on the panel.
//!
//! `cargo run -p examples --bin slow_step -- --panel` prints the address of the page and the token of its
//! controls. `--by-hand` moves the bottleneck at each line of stdin instead.
#![forbid(unsafe_code)]

mod line;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use stage_core::BoxError;
use stage_core::watch::Board;
use stage_panel::{Controls, Options, serve};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use line::Slow;

/// The time for which a step is slow.
const TURN: Duration = Duration::from_secs(10);

/// The time that events in flight have to finish at an interruption.
const FINISH: Duration = Duration::from_secs(2);

/// A pipeline whose bottleneck moves to the next step every ten seconds.
#[derive(Debug, Parser)]
#[command(name = "slow_step")]
struct Args {
    /// Shows the pipeline on a page at this address [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0")]
    panel: Option<SocketAddr>,

    /// Moves the bottleneck at each line of stdin, until its end
    #[arg(long)]
    by_hand: bool,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    let slow = Slow::default();
    let running = line::pipeline(&slow).start().await?;
    let board = Board::new();
    board.add("slow_step", &running)?;
    let _panel = match args.panel {
        Some(address) => {
            Some(serve(board, Options::new().listen_on(address).controls(Controls::all())).await?)
        }
        None => None,
    };
    println!("{} is slow", line::STEPS[0].0);
    tokio::select! {
        () = moves(&slow, args.by_hand) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        // The page can drain and stop it.
        ended = running.join() => drop(ended?),
    }
    let report = running.drain(FINISH).await?;
    println!("{} events", report.stages.last().map_or(0, |stage| stage.events_in));
    Ok(())
}

/// Moves the bottleneck until the end of stdin, or without end.
async fn moves(slow: &Slow, by_hand: bool) {
    let mut lines = by_hand.then(lines);
    loop {
        match &mut lines {
            Some(lines) => match lines.recv().await {
                Some(_) => {}
                None => return,
            },
            None => tokio::time::sleep(TURN).await,
        }
        println!("{} is slow", slow.advance());
    }
}

/// Returns the lines of stdin, read by a thread that waits for them.
fn lines() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        // An error ends the input, as its end does.
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
