//! The processes of the fleet.

use std::io::{self, ErrorKind, Write as _, stdout};
use std::time::Duration;

use stage_core::pipeline::Parts;
use stage_core::watch::Board;
use stage_core::{BoxError, Running};
#[cfg(feature = "nats")]
use stage_edge::Edge;
use stage_edge::memory::MemoryEdge;
use stage_panel::{Controls, Serving};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::args::Options;
use super::feed::Feed;
use super::lines::Lines;
use super::pipeline::Fleet;
use super::ranking::Ranking;

/// The time that the events inside have at the end.
const FINISH: Duration = Duration::from_secs(30);

/// Runs all parts in this process until the clicks end.
pub(crate) async fn local(edge: MemoryEdge, options: &Options) -> Result<(), BoxError> {
    let (ranking, lines) = ranking(options)?;
    let feed = clicks(options)?;
    let pipeline = || Fleet::new(feed.clone(), edge.clone(), ranking.clone());
    let before = pipeline().only(Parts::before("clicks")).start().await?;
    let behind = pipeline().only(Parts::behind("clicks")).start().await?;
    let _page = page(options, &[("feed", &before), ("worker", &behind)]).await?;
    let work = async {
        before.join().await?;
        report(&feed);
        for name in ["clicks", "ranked"] {
            edge.until(|edge| edge.frames(name) == 0).await;
        }
        behind.drain(FINISH).await?;
        Ok(())
    };
    until_done(work, lines, &ranking).await
}

/// Sends the clicks to the server.
#[cfg(feature = "nats")]
pub(crate) async fn feed(edge: impl Edge, options: &Options) -> Result<(), BoxError> {
    let ((ranking, _), clicks) = (ranking(options)?, clicks(options)?);
    let running = Fleet::new(clicks.clone(), edge, ranking).only(Parts::before("clicks")).start().await?;
    let _page = page(options, &[("feed", &running)]).await?;
    tokio::select! {
        done = running.join() => done?,
        () = interrupted() => running.drain(FINISH).await?,
    };
    report(&clicks);
    Ok(())
}

/// Counts a share of the clicks until it is interrupted.
#[cfg(feature = "nats")]
pub(crate) async fn worker(edge: impl Edge, options: &Options) -> Result<(), BoxError> {
    let ((ranking, lines), clicks) = (ranking(options)?, Feed::new(Lines::generated(0), None));
    let pipeline = Fleet::new(clicks, edge, ranking.clone());
    let running = pipeline.only(Parts::behind("clicks")).start().await?;
    let _page = page(options, &[("worker", &running)]).await?;
    let work = async {
        tokio::select! {
            ended = running.join() => ended?,
            () = interrupted() => running.drain(FINISH).await?,
        };
        Ok(())
    };
    until_done(work, lines, &ranking).await
}

/// Shows the partitions on the server.
#[cfg(feature = "nats")]
pub(crate) async fn status(edge: &impl Edge) -> Result<(), BoxError> {
    print(super::status::of(edge, &super::pipeline::edges()).await?.trim_end())?;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
#[cfg(feature = "nats")]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Returns the source of the clicks.
fn clicks(options: &Options) -> Result<Feed, BoxError> {
    let lines = match &options.file {
        Some(path) => Lines::open(path)?,
        None => Lines::generated(options.clicks),
    };
    Ok(Feed::new(lines, options.pace()))
}

/// Returns the ranking, and the lines that it sends.
fn ranking(options: &Options) -> Result<(Ranking, UnboundedReceiver<String>), BoxError> {
    let (lines, shown) = unbounded_channel();
    Ok((Ranking::new(options.windows()?, options.top, lines), shown))
}

/// Prints the ranking until the work is done.
async fn until_done(
    work: impl Future<Output = Result<(), BoxError>>,
    mut lines: UnboundedReceiver<String>,
    ranking: &Ranking,
) -> Result<(), BoxError> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => match print(&line) {
                // The reader of `… | head` is gone.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                printed => printed?,
            },
            done = &mut work => {
                done?;
                break;
            }
        }
    }
    let late = ranking.finish();
    while let Ok(line) = lines.try_recv() {
        print(&line)?;
    }
    if late > 0 {
        eprintln!("fleet: {late} clicks came too late for their windows");
    }
    Ok(())
}

fn print(line: &str) -> io::Result<()> {
    writeln!(stdout(), "{line}")
}

/// Says how many lines are missing.
fn report(feed: &Feed) {
    if feed.refused() > 0 {
        eprintln!("fleet: {} lines were left out", feed.refused());
    }
}

/// Serves the page of the running pipelines, if it is wanted.
async fn page(options: &Options, running: &[(&str, &Running)]) -> Result<Option<Serving>, BoxError> {
    let Some(address) = options.panel else { return Ok(None) };
    let board = Board::new();
    for (name, running) in running {
        board.add(*name, *running)?;
    }
    let options = stage_panel::Options::new().listen_on(address).controls(Controls::all());
    Ok(Some(stage_panel::serve(board, options).await?))
}
