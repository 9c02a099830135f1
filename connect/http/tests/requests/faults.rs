//! The answer to a request that is at fault states the reason.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::{Json, Router};
use stage_core::policy::{FailurePolicy, each};
use stage_core::{Backoff, BoxError, Pipeline};
use stage_http::{IntakeOptions, Unprocessable, requests};

use crate::ask::{self, body, post, reason};

#[derive(Debug, thiserror::Error)]
#[error("cannot store")]
struct CannotStore(#[from] Unprocessable);

#[tokio::test(start_paused = true)]
async fn an_event_at_fault_gets_422_with_the_reason_also_as_a_source() {
    let (intake, source) = requests(IntakeOptions::new().backlog(9)).unwrap();
    let store = |text: String| {
        let checked = match &*text {
            "cold" => Err(Unprocessable::new("-300 degrees").into()),
            "wrapped" => Err(BoxError::from(CannotStore(Unprocessable::new("no such city")))),
            "broken" => Err("the disk is full".into()),
            _ => Ok(()),
        };
        std::future::ready(checked)
    };
    // An event at fault is not retried.
    let once_more = Backoff::new(Duration::from_secs(1), Duration::from_secs(1)).attempts(1);
    let policy = FailurePolicy::skip().retry(once_more);
    let running = Pipeline::builder("readings")
        .start("requests", move || Ok(source.clone()))
        .acknowledged()
        .finish_each("store", policy, move || Ok(each(store)))
        .start()
        .await
        .unwrap();
    let lines = intake.post_lines(Ok::<_, BoxError>);
    let service = Router::new().route("/", intake.post(|text: String| text));
    let mut answers = Vec::new();
    for text in ["cold", "wrapped", "broken", "warm"] {
        let answer = post(&service, text).await;
        answers.push((answer.status().as_u16(), ask::text(answer).await));
    }
    let error = |line: &str| format!(r#"{{"error":"{line}"}}"#);
    let expected = [
        (422, error("-300 degrees")),
        (422, error("no such city")),
        (500, error("the event failed")),
        (200, String::new()),
    ];
    assert_eq!(answers, expected);
    let answer = post(&Router::new().route("/", lines), "warm\ncold\n").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reason(answer).await, "-300 degrees");
    let report = running.stop().await.unwrap();
    let failures = report.stages[1].failures;
    assert_eq!((failures.retried, failures.skipped), (1, 4), "only `broken` is handled twice");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_json_that_is_no_event_gets_the_place_of_its_fault() {
    let (intake, source) = requests(IntakeOptions::new().backlog(9)).unwrap();
    let running = Pipeline::builder("readings")
        .start("requests", move || Ok(source.clone()))
        .acknowledged()
        .finish_fn("store", |(_id, _celsius): (i64, f64)| ())
        .start()
        .await
        .unwrap();
    let service: Router = Router::new().route("/", intake.post(|Json(reading): Json<(i64, f64)>| reading));
    for (sent, status, says) in [
        ("[1, 20.5", StatusCode::BAD_REQUEST, "line 1 column 8"),
        (r#"[1, "warm"]"#, StatusCode::UNPROCESSABLE_ENTITY, "expected f64 at line 1 column 10"),
        ("[1, 20.5]", StatusCode::OK, ""),
    ] {
        let request = Request::post("/").header("content-type", "application/json");
        let (answered, line) = body(&service, request.body(Body::from(sent)).unwrap()).await;
        assert_eq!(answered, status, "{line}");
        assert!(line.contains(says) && line.lines().count() <= 1, "{line}");
    }
    running.stop().await.unwrap();
}
