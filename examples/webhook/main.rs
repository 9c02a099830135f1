//! A webhook service that answers 200 only after the event is on disk.
//!
//! ```text
//!   POST /events ──▶ requests ══ deliveries ═▶ store: append, sync, acknowledge ──▶ 200
//!        429, 503 ◀── no demand, draining            └─ a write that fails ──▶ 503
//! ```
//!
//! `cargo run -p examples --bin webhook -- events.jsonl` prints the address; then
//! `curl -i http://ADDRESS/events -d '{"order": 7}'` stores an event. `--slow 50 --fail 3` makes the store slow and lets
//! every third write fail. A client repeats a request that got 429 or 503, or no answer; the event may then be stored
//! twice, so events carry an id. Ctrl-C refuses new requests, answers those inside, and ends.
#![forbid(unsafe_code)]

mod args;
mod store;

use std::process::ExitCode;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use serde_json::{Value, json};
use stage_core::{BoxError, Pipeline, Placement, StepOptions};
use stage_http::{IntakeOptions, requests};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use args::Args;
use store::Store;

/// The time that the events inside have to be stored at the end.
const FINISH: Duration = Duration::from_secs(30);

/// The most bytes of an event.
const LARGEST: usize = 64 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("webhook: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), BoxError> {
    // A client that got 503 for a failed write may repeat the request, as after 429.
    let options = IntakeOptions::new().body_limit(LARGEST).failure(StatusCode::SERVICE_UNAVAILABLE);
    let (intake, events) = requests::<Value>(options)?;
    let listener = TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;
    let (most, least) = (args.at_once, args.at_once / 2);
    let step = StepOptions::named("store").max_demand(most).min_demand(least).placement(Placement::Blocking);
    let running = Pipeline::builder("webhook")
        .start("requests", move || Ok(events.clone()))
        .finish(step, move || Ok(Store::open(&args.file, args.faults)?))
        .start()
        .await?;

    let counted = intake.clone();
    let counts = move || {
        let counts = counted.counts();
        let shown = json!({
            "stored": counts.acknowledged, "failed": counts.rejected, "open": counts.open(),
            "without_demand": counts.full, "refused": counts.unavailable,
        });
        async move { Json(shown) }
    };
    let service = Router::new()
        .route("/events", intake.post(|Json(event): Json<Value>| event))
        .route("/counts", get(counts));
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // A sender that is dropped ends the server as well.
        let _ = ended.await;
    });
    let server = tokio::spawn(server.into_future());
    // Without the first demand, the first request would get 429.
    drop(intake.place().await?);
    println!("webhook: http://{address}/events");

    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
        // The store failed too often.
        ended = running.join() => drop(ended?),
    }
    let report = running.drain(FINISH).await?;
    drop(end);
    server.await??;
    println!("webhook: {}", report.settlement);
    Ok(())
}
