//! Ranks the hashtags of an endless feed, counted in sliding windows and shown at every entry.
//!
//! ```text
//! feed (drops out, comes back) ─▶ event time ─▶ sliding windows ─▶ counts, at each entry and window's end
//! ```
//!
//! `cargo run --bin hashtag_battle -- '#rust' '#elixir'` generates entries and never ends;
//! `--file entries --speed 60` replays a file, one minute per second. `--serve` shows the battle of the entries that are
//! posted to it in a browser: see [`serve`](mod@serve).
#![forbid(unsafe_code)]

mod args;
mod battle;
mod board;
mod entry;
mod feed;
mod replay;
mod serve;
mod tags;

use std::io::{ErrorKind, IsTerminal, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use flow::{FlowError, Tally};
use futures_util::StreamExt;
use stage_core::{BoxError, ExitReason, watch};
use stage_panel::{Controls, Options};
use tokio::sync::mpsc::unbounded_channel;

use args::Args;
use board::Board;
use feed::Feed;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.serve {
        Some(address) => serve::run(&args, address).await,
        None => run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hashtag_battle: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BoxError> {
    let feed = Arc::new(Feed::new(args.file.clone(), args.drop_out));
    let (notices, mut news) = unbounded_channel();
    let late = Tally::new();
    let flow = battle::flow(&args, feed, notices, &late);
    let mut counts = flow.stream().await.map_err(why)?;
    let group = counts.group("hashtag_battle");
    let _page = match args.panel {
        Some(address) => {
            let pipelines = watch::Board::new();
            pipelines.add("hashtag_battle", &group)?;
            Some(
                stage_panel::serve(pipelines, Options::new().listen_on(address).controls(Controls::all()))
                    .await?,
            )
        }
        None => None,
    };
    let mut board = Board::new(&args, stdout().is_terminal());
    loop {
        tokio::select! {
            biased;
            Some(notice) = news.recv() => board.note(notice)?,
            next = counts.next() => match next {
                Some(count) => match board.show(count.map_err(why)?) {
                    // The reader of `… | head` is gone.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                    shown => shown?,
                },
                None => break,
            },
        }
    }
    while let Ok(notice) = news.try_recv() {
        board.note(notice)?;
    }
    board.end(late.get());
    Ok(())
}

/// Extracts the error that concerns the user, without the name of the failed stage.
fn why(error: FlowError) -> BoxError {
    match error {
        FlowError::Stage { reason: ExitReason::Error(error), .. } => error.to_string().into(),
        other => other.into(),
    }
}
