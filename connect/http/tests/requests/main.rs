//! Requests become events of a pipeline, and get their answers after the acknowledgement.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod ask;
mod faults;
mod streamed;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ask::{Manual, body, post, post_later, reason, text};
use axum::Router;
use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Request, StatusCode};
use futures_util::{FutureExt, stream};
use stage_core::ack::{Delivery, Reason};
use stage_core::policy::{FailurePolicy, each};
use stage_core::testing::settle;
use stage_core::{BoxError, Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions};
use stage_http::{Intake, IntakeOptions, Refusal, Unavailable, requests};
use tokio::sync::Semaphore;

#[tokio::test(start_paused = true)]
async fn a_request_without_demand_gets_429_and_each_demand_takes_one() {
    let mut manual = Manual::new(IntakeOptions::new().retry_after(Duration::from_millis(2_500))).await;
    let refused = post(&manual.service, "a").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[RETRY_AFTER], "3");
    assert_eq!(text(refused).await, r#"{"error":"no stage wants another event now"}"#);

    manual.consumer.ask(2);
    settle().await;
    let (first, second) = (manual.post_later("a"), manual.post_later("b"));
    settle().await;
    assert_eq!(post(&manual.service, "c").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let mut taken = manual.taken();
    assert_eq!(taken.iter().map(|delivery| delivery.peek().as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(!first.is_finished() && !second.is_finished(), "answered before the acknowledgement");

    taken.remove(0).acknowledge();
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    assert!(!second.is_finished());
    taken.remove(0).reject(Reason::failed("the disk is full"));
    let failed = second.await.unwrap();
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(failed).await, r#"{"error":"the event failed"}"#);

    let counts = manual.intake.counts();
    assert_eq!((counts.taken, counts.acknowledged, counts.rejected), (2, 1, 1));
    assert_eq!((counts.full, counts.unavailable, counts.unread, counts.open()), (2, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_answered_by_its_reason_and_the_options() {
    let options = IntakeOptions::new().success(StatusCode::ACCEPTED).failure(StatusCode::BAD_GATEWAY);
    let mut manual = Manual::new(options.show_reasons()).await;
    manual.consumer.ask(5);
    settle().await;
    let reasons = [
        Some(Reason::failed("the disk is full")),
        Some(Reason::hopeless("no such customer")),
        Some(Reason::Postponed(Duration::from_secs(30))),
        Some(Reason::Stopped),
        None,
    ];
    let mut answers = Vec::new();
    for reason in reasons {
        let answer = manual.post_later("a");
        settle().await;
        let delivery = manual.taken().remove(0);
        match reason {
            Some(reason) => delivery.reject(reason),
            None => delivery.acknowledge(),
        }
        let answer = answer.await.unwrap();
        let after = answer.headers().get(RETRY_AFTER).map(|after| after.to_str().unwrap().to_owned());
        answers.push((answer.status().as_u16(), after, text(answer).await));
    }
    let error = |line: &str| format!(r#"{{"error":"{line}"}}"#);
    let after = |seconds: &str| Some(seconds.to_owned());
    let expected = [
        (502, None, error("the disk is full")),
        (502, None, error("no such customer")),
        (503, after("30"), error("it was postponed by 30s")),
        (503, after("1"), error("the pipeline was stopped")),
        (202, None, String::new()),
    ];
    assert_eq!(answers, expected);
}

#[tokio::test(start_paused = true)]
async fn the_backlog_holds_as_many_requests_as_it_says() {
    let mut manual = Manual::new(IntakeOptions::new().backlog(2)).await;
    let waiting = [manual.post_later("a"), manual.post_later("b")];
    settle().await;
    assert_eq!(post(&manual.service, "c").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(manual.taken().is_empty(), "an event without demand");
    manual.consumer.ask(1);
    settle().await;
    let third = manual.post_later("c");
    settle().await;
    assert_eq!(post(&manual.service, "d").await.status(), StatusCode::TOO_MANY_REQUESTS);
    manual.consumer.ask(2);
    settle().await;
    let taken = manual.taken();
    assert_eq!(taken.iter().map(|delivery| delivery.peek().as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    taken.into_iter().for_each(Delivery::acknowledge);
    for answer in waiting.into_iter().chain([third]) {
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_client_that_leaves_is_handled_and_counted() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    manual.consumer.ask(1);
    settle().await;
    let answer = manual.post_later("a");
    settle().await;
    answer.abort();
    settle().await;
    let delivery = manual.taken().remove(0);
    assert_eq!((manual.intake.counts().open(), delivery.peek().as_str()), (1, "a"));
    delivery.acknowledge();
    settle().await;
    let counts = manual.intake.counts();
    assert_eq!((counts.acknowledged, counts.unread, counts.open()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_late_verdict_gets_504_and_the_event_is_handled_all_the_same() {
    let mut manual = Manual::new(IntakeOptions::new().reply_within(Duration::from_secs(5))).await;
    manual.consumer.ask(1);
    settle().await;
    let answer = manual.post_later("a").await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    manual.taken().remove(0).acknowledge();
    settle().await;
    assert_eq!((manual.intake.counts().acknowledged, manual.intake.counts().unread), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_late_or_invalid_gives_its_place_back() {
    let options = IntakeOptions::new().body_limit(10).body_within(Duration::from_secs(3));
    let mut manual = Manual::new(options).await;
    manual.consumer.ask(1);
    settle().await;
    assert_eq!(post(&manual.service, "12345678901").await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let never = Body::from_stream(stream::pending::<Result<&str, BoxError>>());
    let late = tokio::spawn(post(&manual.service, never));
    settle().await;
    // The place is reserved while the body is on its way.
    assert_eq!(post(&manual.service, "b").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let late = late.await.unwrap();
    assert_eq!(late.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(text(late).await, r#"{"error":"the body did not arrive within 3s"}"#);
    assert_eq!(post(&manual.service, vec![0xff]).await.status(), StatusCode::BAD_REQUEST);
    let left =
        tokio::spawn(post(&manual.service, Body::from_stream(stream::pending::<Result<&str, BoxError>>())));
    settle().await;
    left.abort();
    settle().await;
    let taken = manual.post_later("1234567890");
    settle().await;
    manual.taken().remove(0).acknowledge();
    assert_eq!(taken.await.unwrap().status(), StatusCode::OK);
    assert_eq!(manual.intake.counts().taken, 1);
}

/// A pipeline whose sink waits for a permit per event.
async fn gated(options: IntakeOptions) -> (Intake<String>, Router, Running, Arc<Semaphore>) {
    let (intake, source) = requests(options).unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let open = Arc::clone(&gate);
    let step = StepOptions::named("store").max_demand(2).min_demand(1);
    let recipe = move || {
        let open = Arc::clone(&open);
        Ok(each(move |_: String| {
            let open = Arc::clone(&open);
            async move {
                open.acquire().await?.forget();
                Ok::<_, BoxError>(())
            }
        }))
    };
    let running = Pipeline::builder("gated")
        .start("requests", move || Ok(source.clone()))
        .acknowledged()
        .finish_each(step, FailurePolicy::skip(), recipe)
        .start()
        .await
        .unwrap();
    let service = Router::new().route("/", intake.post(|text: String| text));
    settle().await;
    (intake, service, running, gate)
}

#[tokio::test(start_paused = true)]
async fn a_drain_refuses_new_requests_and_answers_those_inside() {
    let (intake, service, running, gate) = gated(IntakeOptions::new()).await;
    let inside = [post_later(&service, "a"), post_later(&service, "b")];
    settle().await;
    let drained = tokio::spawn(async move { running.drain(Duration::from_secs(60)).await });
    settle().await;
    let refused = post(&service, "c").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    gate.add_permits(2);
    for answer in inside {
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    }
    let report = drained.await.unwrap().unwrap();
    assert_eq!((report.settlement.acknowledged, report.settlement.open()), (2, 0));
    let ended = post(&service, "d").await;
    assert_eq!(ended.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(intake.counts().open(), 0);
    let absent = intake.submit(String::new()).await.unwrap_err();
    assert!(
        matches!(absent, Refusal::Unavailable(Unavailable::Ended | Unavailable::NotRunning)),
        "{absent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_every_request_inside_with_503() {
    let (intake, service, running, _gate) = gated(IntakeOptions::new().backlog(3)).await;
    let inside: Vec<_> = ["a", "b", "c", "d", "e"].map(|text| post_later(&service, text)).into();
    settle().await;
    assert_eq!(intake.counts().open(), 5);
    let report = tokio::spawn(async move { running.stop().await });
    for answer in inside {
        assert_eq!(answer.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    report.await.unwrap().unwrap();
    assert_eq!((intake.counts().open(), intake.counts().unknown), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn before_the_start_and_without_a_source_requests_get_503() {
    let (intake, source) = requests::<String>(IntakeOptions::new().backlog(9)).unwrap();
    let service: Router = Router::new().route("/", intake.post(|text: String| text));
    let early = post(&service, "a").await;
    assert_eq!(early.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(early).await, r#"{"error":"the pipeline does not run"}"#);
    drop(source);
    let late = post(&service, "a").await;
    assert_eq!(text(late).await, r#"{"error":"the pipeline has ended"}"#);
    assert!(matches!(intake.place().await, Err(Refusal::Unavailable(Unavailable::Ended))));
    assert_eq!(intake.counts().unavailable, 3);
}

/// A sink that panics at its first event.
struct FailsOnce(Arc<AtomicBool>);

impl Consumer for FailsOnce {
    type Event = Delivery<String>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            assert!(self.0.swap(true, Ordering::Relaxed) || event.is_empty(), "the first event");
            event.acknowledge();
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_sink_panics_fails_and_the_next_ones_are_handled() {
    let (intake, source) = requests(IntakeOptions::new().show_reasons()).unwrap();
    let has_failed = Arc::new(AtomicBool::new(false));
    let running = Pipeline::builder("fails")
        .start("requests", move || Ok(source.clone()))
        .finish(StepOptions::named("store").max_demand(1).min_demand(0), move || {
            Ok(FailsOnce(Arc::clone(&has_failed)))
        })
        .start()
        .await
        .unwrap();
    let service = Router::new().route("/", intake.post(|text: String| text));
    settle().await;
    let failed = post(&service, "a").await;
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(reason(failed).await, "a stage dropped it");
    for _ in 0..5 {
        settle().await;
        assert_eq!(post(&service, "b").await.status(), StatusCode::OK);
    }
    // The demand of the sink that failed is not counted twice.
    settle().await;
    let place = intake.try_place().unwrap();
    assert!(matches!(intake.try_place(), Err(Refusal::Full)));
    drop(place);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_restarts_keeps_requests_and_counts_its_demand_anew() {
    let mut manual = Manual::new(IntakeOptions::new().backlog(1)).await;
    manual.consumer.ask(3);
    settle().await;
    let held = manual.intake.try_place().unwrap();
    // The stage ends as one that fails does, and its successor begins without the old demand.
    manual.fail().await;
    settle().await;
    assert!(matches!(manual.intake.try_place(), Err(Refusal::Unavailable(Unavailable::Restarting))));
    let waits = tokio::spawn(held.submit("a".to_owned()));
    settle().await;
    assert!(!waits.is_finished());
    manual.restart().await;
    manual.consumer.ask(2);
    settle().await;
    manual.taken().remove(0).acknowledge();
    assert!(waits.await.unwrap().is_ok());
    // One more is wanted, and the backlog holds one.
    let places = [manual.intake.try_place(), manual.intake.try_place(), manual.intake.try_place()];
    assert_eq!(places.map(|place| place.is_ok()), [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn places_are_given_in_turn_and_released_when_dropped() {
    let manual = Manual::new(IntakeOptions::new()).await;
    let mut first = Box::pin(manual.intake.place());
    let mut second = Box::pin(manual.intake.place());
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    manual.consumer.ask(1);
    settle().await;
    assert!(
        matches!(manual.intake.try_place(), Err(Refusal::Full)),
        "the place belongs to the first who waits"
    );
    assert!(second.as_mut().now_or_never().is_none());
    let place = first.await.unwrap();
    assert!(second.as_mut().now_or_never().is_none());
    drop(place);
    assert!(second.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_extractor_of_json_answers_for_itself() {
    let mut manual = Manual::new(IntakeOptions::new()).await;
    let json = manual.intake.post(|axum::Json(text): axum::Json<String>| text);
    let service: Router = Router::new().route("/", json);
    manual.consumer.ask(1);
    settle().await;
    let wrong =
        Request::post("/").header("content-type", "application/json").body(Body::from("\"a")).unwrap();
    assert_eq!(body(&service, wrong).await.0, StatusCode::BAD_REQUEST);
    let right =
        Request::post("/").header("content-type", "application/json").body(Body::from("\"a\"")).unwrap();
    let answer = tokio::spawn({
        let service = service.clone();
        async move { body(&service, right).await }
    });
    settle().await;
    manual.taken().remove(0).acknowledge();
    assert_eq!(answer.await.unwrap(), (StatusCode::OK, String::new()));
    let get = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(body(&service, get).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
