//! The battle as a service: entries come in by HTTP, and browsers follow the counts.
//!
//! ```text
//!   POST /entries, /feed ──▶ requests ══ deliveries ═▶ count ──▶ Tally ── at most every 500 ms ──▶ Live ──▶ GET /live
//!   rows of PostgreSQL ────▶ table ════ deliveries ═▲
//! ```
//!
//! `cargo run -p examples --bin hashtag_battle -- --serve '#rust' '#elixir'` prints the address of the page.
//! `curl ADDRESS/entries -d 'I like #rust'` adds an entry, and `curl -T entries.txt -X POST ADDRESS/feed` a file of lines
//! with milliseconds since 1970 and a text. The answer comes when the entries are counted. With `--database ADDRESS`, the
//! rows of the table `hashtag_entries` count as well: `insert into hashtag_entries (text) values ('I like #rust')`.

mod publish;
mod sources;
mod table;
mod tally;
mod view;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stage_core::watch::Board;
use stage_core::{BoxError, StepOptions};
use stage_http::{Live, LiveOptions};
use stage_panel::{Controls, Options};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::args::Args;
use publish::{Shared, publish};
use sources::Sources;
use tally::Tally;

/// The time that the entries inside have to be counted at the end.
const FINISH: Duration = Duration::from_secs(10);

/// Returns the milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Serves the battle until an interruption.
pub(crate) async fn run(args: &Args, address: SocketAddr) -> Result<(), BoxError> {
    let listener =
        TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared::new(Tally::new(&args.tags, args.window, args.step)));
    // A browser needs only the latest state, whatever it has missed.
    let live = Live::new(LiveOptions::new().keep(1).replay(1))?;

    let (sources, intake) = Sources::new(args.database.as_deref())?;
    let counted = Arc::clone(&shared);
    let running = sources
        .begin("hashtag_battle")
        .acknowledged()
        .finish_fn(StepOptions::named("count").max_demand(1_000).min_demand(500), move |entry| {
            counted.count(&entry);
        })
        .start()
        .await?;
    let _panel = match args.panel {
        Some(address) => {
            let board = Board::new();
            board.add("hashtag_battle", &running)?;
            Some(
                stage_panel::serve(board, Options::new().listen_on(address).controls(Controls::all()))
                    .await?,
            )
        }
        None => None,
    };

    let publisher = tokio::spawn(publish(Arc::clone(&shared), live.clone(), now));
    let (end, ended) = oneshot::channel::<()>();
    let server =
        axum::serve(listener, web::routes(&intake, &live, &shared)).with_graceful_shutdown(async move {
            // A sender that is dropped ends the server as well.
            let _ = ended.await;
        });
    let server = tokio::spawn(server.into_future());
    // Without the first demand, the first entry would get 429.
    drop(intake.place().await?);
    println!("hashtag_battle: http://{address}/");

    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
        // The panel can end it.
        ended = running.join() => drop(ended?),
    }
    let report = running.drain(FINISH).await?;
    publisher.abort();
    live.end();
    drop(end);
    server.await??;
    println!("hashtag_battle: {} entries counted", report.settlement.acknowledged);
    Ok(())
}
