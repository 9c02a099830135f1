//! Answers made of the events of a pipeline.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::to_bytes;
use axum::http::header::CONTENT_TYPE;
use futures_util::{StreamExt, stream};
use stage_core::testing::settle;
use stage_core::{Pipeline, Window};
use stage_http::{body, json_lines, pipeline_json_lines};

#[tokio::test(start_paused = true)]
async fn a_pipeline_runs_no_faster_than_its_client_reads_and_stops_when_it_leaves() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let endless = Pipeline::builder("endless").start_fn("numbers", move || {
        let count = Arc::clone(&count);
        Ok((0_u64..).inspect(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        }))
    });
    let answer = pipeline_json_lines(endless.open(Window::new(4, 2).unwrap())).await.unwrap();
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-ndjson");
    settle().await;
    assert_eq!(made.load(Ordering::Relaxed), 0);
    let mut pieces = answer.into_body().into_data_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"0\n1\n"), "{first:?}");
    settle().await;
    let after_one = made.load(Ordering::Relaxed);
    assert!(after_one <= 256 + 4, "{after_one} events for one piece");
    settle().await;
    assert_eq!(made.load(Ordering::Relaxed), after_one);
    drop(pieces);
    settle().await;
    assert_eq!(Arc::strong_count(&made), 1, "the pipeline still runs");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_stream_cuts_the_body_off() {
    let lines = json_lines(stream::iter([Ok(1), Err("lost"), Ok(2)]));
    let error = to_bytes(lines.into_body(), 100).await.unwrap_err();
    assert_eq!(error.to_string(), "lost");
    let mut pieces = body(stream::iter([Ok("a"), Err("lost")])).into_data_stream();
    assert_eq!(pieces.next().await.unwrap().unwrap(), "a");
    assert!(pieces.next().await.unwrap().is_err());
}
