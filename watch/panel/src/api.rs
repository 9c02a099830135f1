//! Answers questions about the pipelines of a board.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use stage_core::watch::{Ending, OPENMETRICS_CONTENT_TYPE, PipelineState, openmetrics};

use crate::error::Refusal;
use crate::live::within;
use crate::shared::Shared;
use crate::view::{Description, Listed};

/// The number of dead letters in one answer.
const LETTERS: usize = 100;

/// All pipelines in short.
pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let feeds = shared.sampler.feeds();
    let listed = feeds.iter().map(|(name, feed)| {
        let status = feed.entry().status();
        Listed {
            name: name.clone(),
            state: status.state.to_string(),
            uptime: status.uptime.as_secs_f64(),
            summary: feed.summary(),
        }
    });
    Json(json!({ "pipelines": listed.collect::<Vec<_>>() }))
}

/// The steps, links and options of a pipeline.
pub(crate) async fn describe(
    State(shared): State<Arc<Shared>>,
    Path(pipeline): Path<String>,
) -> Result<Json<Description>, Refusal> {
    let feed = shared.sampler.feed(&pipeline)?;
    Ok(Json(Description::of(&feed.entry(), &shared.options)))
}

/// The stages that hold events and make no progress for `seconds`.
pub(crate) async fn stalls(
    State(shared): State<Arc<Shared>>,
    Path(pipeline): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let seconds = within(&query, "seconds", 1, 1..=60)?;
    let entry = shared.sampler.feed(&pipeline)?.entry();
    let stalls = entry.monitor().stalls(Duration::from_secs(seconds)).await;
    let stalls = stalls.iter().map(|stall| {
        json!({
            "stage": stall.stage,
            "since": stall.since.as_secs_f64(),
            "holds": stall.holds,
            "wanted": stall.wanted,
            "text": stall.to_string(),
        })
    });
    Ok(Json(json!({ "stalls": stalls.collect::<Vec<_>>() })))
}

/// The topology as a Mermaid diagram.
pub(crate) async fn mermaid(
    State(shared): State<Arc<Shared>>,
    Path(pipeline): Path<String>,
) -> Result<String, Refusal> {
    Ok(shared.sampler.feed(&pipeline)?.entry().topology().to_mermaid())
}

/// The dead letters of a pipeline, behind the one with the id `after`.
pub(crate) async fn dead(
    State(shared): State<Arc<Shared>>,
    Path(pipeline): Path<String>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let letters = shared.dead_letters(&pipeline)?;
    let letters = letters.list(query.remove("after"), LETTERS).await.map_err(Refusal::failed)?;
    Ok(Json(json!({ "letters": letters })))
}

/// The metrics of all pipelines, in the format of `openmetrics`.
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let mut text = String::new();
    openmetrics(&shared.board, &mut text);
    ([(CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE)], text)
}

/// Whether the process answers.
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Whether there are pipelines, and all of them work or have finished.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    let entries = shared.board.entries();
    let works = |state| {
        matches!(
            state,
            PipelineState::Running | PipelineState::Paused | PipelineState::Ended(Ending::Finished)
        )
    };
    if !entries.is_empty() && entries.iter().all(|entry| works(entry.status().state)) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
