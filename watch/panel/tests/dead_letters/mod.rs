//! The dead letters of a pipeline on the page.

use axum::http::StatusCode;
use serde_json::json;
use stage_core::BoxError;
use stage_panel::{DeadLetter, DeadLetters};

use crate::requests::{Ask, TOKEN, json};
use crate::{controlled, panel};

struct Letters;

impl DeadLetters for Letters {
    async fn list(&self, after: Option<String>, limit: usize) -> Result<Vec<DeadLetter>, BoxError> {
        let letter = |id: &str| DeadLetter { id: id.into(), event: "an event".into(), error: "503".into() };
        let letters = ["1", "2"].into_iter().filter(|id| after.as_deref().is_none_or(|after| *id > after));
        Ok(letters.take(limit).map(letter).collect())
    }

    async fn retry(&self, id: String) -> Result<bool, BoxError> {
        if id == "1" { Ok(true) } else { Err("the store is away".into()) }
    }

    async fn drop_letter(&self, id: String) -> Result<bool, BoxError> {
        Ok(id == "2")
    }
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_listed_retried_and_dropped() {
    let (panel, _running) = panel(controlled().dead_letters("upload", Letters)).await;
    let all = json(Ask::get("/api/pipelines/upload/dead").of(&panel).await).await;
    assert_eq!(all["letters"][0], json!({ "id": "1", "event": "an event", "error": "503" }));
    let behind = json(Ask::get("/api/pipelines/upload/dead?after=1").of(&panel).await).await;
    assert_eq!(behind["letters"].as_array().unwrap().len(), 1);
    for (path, status) in [
        ("1/retry", StatusCode::OK),
        ("2/retry", StatusCode::BAD_GATEWAY),
        ("2/drop", StatusCode::OK),
        ("3/drop", StatusCode::NOT_FOUND),
    ] {
        let path = format!("/api/pipelines/upload/dead/{path}");
        assert_eq!(Ask::post(&path).of(&panel).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(Ask::post(&path).token(TOKEN).of(&panel).await.status(), status, "{path}");
    }
}
