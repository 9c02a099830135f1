//! Bodies that are many events.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use stage_core::ack::{Delivery, Reason};
use stage_core::testing::settle;
use stage_http::{Intake, IntakeOptions};

use super::ask::{Manual, json, post_later, text};

fn lines(intake: &Intake<String>) -> Router {
    let event = |line: String| if line == "bad" { Err("not an event") } else { Ok(line) };
    Router::new().route("/", intake.post_lines(event))
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_only_as_fast_as_the_pipeline_asks() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let body = stream::iter(0..1_000).map(move |number| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(format!("{number}\n"))
    });
    let answer = post_later(&lines(&manual.intake), Body::from_stream(body));
    settle().await;
    assert!(read.load(Ordering::Relaxed) <= 2, "read {read:?} lines without demand");
    let mut taken = Vec::new();
    for asked in 1..=5 {
        manual.consumer.ask(10);
        settle().await;
        taken.extend(manual.taken());
        assert_eq!(taken.len(), asked * 10);
        assert!(read.load(Ordering::Relaxed) <= taken.len() + 2, "read {read:?} lines");
    }
    manual.consumer.ask(2_000);
    settle().await;
    taken.extend(manual.taken());
    let numbers: Vec<_> = taken.iter().map(|delivery| delivery.peek().parse::<usize>().unwrap()).collect();
    assert!(numbers.into_iter().eq(0..1_000), "in order and complete");
    assert!(!answer.is_finished(), "answered before the acknowledgement");
    taken.into_iter().for_each(Delivery::acknowledge);
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(text(answer).await, r#"{"acknowledged":1000,"rejected":0}"#);
    assert_eq!(manual.intake.counts().full, 0);
}

#[tokio::test(start_paused = true)]
async fn the_answer_sums_up_the_verdicts() {
    let mut manual = Manual::new(IntakeOptions::new().show_reasons()).await;
    manual.consumer.ask(10);
    settle().await;
    let answer = post_later(&lines(&manual.intake), "a\r\n\nb\nc");
    settle().await;
    let mut taken = manual.taken();
    assert_eq!(taken.iter().map(|delivery| delivery.peek().as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    taken.remove(1).reject(Reason::failed("the disk is full"));
    taken.into_iter().for_each(Delivery::acknowledge);
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let sums = serde_json::json!({ "acknowledged": 2, "rejected": 1, "error": "the disk is full" });
    assert_eq!(json(answer).await, sums);
}

#[tokio::test(start_paused = true)]
async fn a_bad_or_long_line_ends_the_reading_behind_the_good_ones() {
    let mut manual = Manual::new(IntakeOptions::new().body_limit(5)).await;
    manual.consumer.ask(10);
    settle().await;
    for (body, status, error) in [
        ("a\nbad\nb\n", StatusCode::BAD_REQUEST, "line 2: not an event"),
        ("a\n1234567\nb\n", StatusCode::PAYLOAD_TOO_LARGE, "a line is longer than 5 bytes"),
    ] {
        let answer = post_later(&lines(&manual.intake), body);
        settle().await;
        let taken = manual.taken();
        assert_eq!(taken.len(), 1);
        taken.into_iter().for_each(Delivery::acknowledge);
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), status);
        let sums = serde_json::json!({ "acknowledged": 1, "rejected": 0, "error": error });
        assert_eq!(json(answer).await, sums);
    }
    let answer = post_later(&lines(&manual.intake), vec![b'a', b'\n', 0xff, b'\n']);
    settle().await;
    manual.taken().into_iter().for_each(Delivery::acknowledge);
    assert_eq!(answer.await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_source_leaves_is_answered_with_what_was_handled() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    manual.consumer.ask(2);
    settle().await;
    let answer = post_later(&lines(&manual.intake), "a\nb\nc\nd\n");
    settle().await;
    manual.taken().into_iter().for_each(Delivery::acknowledge);
    settle().await;
    assert!(!answer.is_finished());
    manual.leave().await;
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let sums = json(answer).await;
    assert_eq!((&sums["acknowledged"], &sums["rejected"]), (&2.into(), &0.into()), "{sums}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_stream_leaves_its_events_to_be_handled() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    manual.consumer.ask(2);
    settle().await;
    let answer = post_later(&lines(&manual.intake), "a\nb\nc\nd\n");
    settle().await;
    answer.abort();
    settle().await;
    manual.taken().into_iter().for_each(Delivery::acknowledge);
    settle().await;
    let counts = manual.intake.counts();
    assert_eq!((counts.taken, counts.acknowledged, counts.unread), (2, 2, 2));
    // Its wait for a third place is over as well.
    manual.consumer.ask(1);
    settle().await;
    assert!(manual.intake.try_place().is_ok());
}

#[tokio::test(start_paused = true)]
async fn chunks_are_events_as_they_arrive() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    manual.consumer.ask(10);
    settle().await;
    let event = |chunk: Bytes| String::from_utf8(chunk.into());
    let service: Router = Router::new().route("/", manual.intake.post_chunks(event));
    let body = stream::iter(["ab", "", "c"].map(Ok::<_, Infallible>));
    let answer = post_later(&service, Body::from_stream(body));
    settle().await;
    let taken = manual.taken();
    assert_eq!(taken.iter().map(|delivery| delivery.peek().as_str()).collect::<Vec<_>>(), ["ab", "c"]);
    taken.into_iter().for_each(Delivery::acknowledge);
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}
