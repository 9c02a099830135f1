//! Server-sent events: replay, return, and slow clients.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::{FutureExt, StreamExt};
use stage_core::testing::settle;
use stage_core::{Pipeline, StepOptions};
use stage_http::{Live, LiveOptions, SlowClient};
use tower::ServiceExt;

fn live(options: LiveOptions) -> (Live, Router) {
    let live = Live::new(options).unwrap();
    let service = Router::new().route("/", live.get());
    (live, service)
}

async fn answer(service: &Router, last: Option<&str>) -> Response {
    let mut request = Request::get("/");
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// A client that reads one event at a time.
struct Browser(BodyDataStream);

impl Browser {
    async fn open(service: &Router, last: Option<&str>) -> Self {
        let answer = answer(service, last).await;
        assert_eq!(
            (answer.status(), &answer.headers()[CONTENT_TYPE]),
            (StatusCode::OK, &"text/event-stream".parse().unwrap())
        );
        let mut browser = Self(answer.into_body().into_data_stream());
        let hello = browser.read().await.unwrap();
        assert!(hello.contains("retry: 1000"), "{hello}");
        browser
    }

    /// Returns the next event as text, without the signs of life.
    async fn read(&mut self) -> Option<String> {
        Some(String::from_utf8(self.0.next().await?.unwrap().into()).unwrap())
    }

    /// Returns the events that are ready.
    fn ready(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.read().now_or_never().flatten()).collect()
    }
}

fn field(event: &str, name: &str) -> String {
    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

fn data(events: &[String]) -> Vec<String> {
    events.iter().map(|event| field(event, "data")).collect()
}

async fn publish(live: &Live, numbers: std::ops::Range<u32>) {
    for number in numbers {
        live.publish(Event::default().event("number").data(number.to_string())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_lost_its_network_goes_on_behind_its_last_event() {
    let (live, service) = live(LiveOptions::new().keep(10).replay(1));
    publish(&live, 0..3).await;
    let mut browser = Browser::open(&service, None).await;
    publish(&live, 3..5).await;
    let seen = browser.ready();
    assert_eq!(data(&seen), ["2", "3", "4"]);
    assert_eq!(field(&seen[0], "event"), "number");
    let last = field(&seen[2], "id");
    drop(browser);
    publish(&live, 5..8).await;
    let mut back = Browser::open(&service, Some(&last)).await;
    assert_eq!(data(&back.ready()), ["5", "6", "7"]);
    publish(&live, 8..30).await;
    let mut long_gone = Browser::open(&service, Some(&last)).await;
    let seen = long_gone.ready();
    assert_eq!((field(&seen[0], "event"), field(&seen[0], "data")), ("skipped".into(), "15".into()));
    assert_eq!((data(&seen)[1..].first().unwrap().as_str(), seen.len()), ("20", 11));
    // An id of another process, or no id at all.
    for foreign in ["1-4", "", "-", "zz-9", "4"] {
        let mut stranger = Browser::open(&service, Some(foreign)).await;
        assert_eq!(data(&stranger.ready()), ["29"], "{foreign:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_skips_and_learns_how_many() {
    let (live, service) = live(LiveOptions::new().keep(4));
    let (mut slow, mut quick) = (Browser::open(&service, None).await, Browser::open(&service, None).await);
    for number in 0..10 {
        publish(&live, number..number + 1).await;
        assert_eq!(data(&quick.ready()), [number.to_string()]);
    }
    let seen = slow.ready();
    assert_eq!(field(&seen[0], "event"), "skipped");
    assert_eq!(data(&seen), ["6", "6", "7", "8", "9"]);
    let counts = live.counts();
    assert_eq!((counts.clients, counts.published, counts.skipped, counts.disconnected), (2, 10, 6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_disconnected_and_the_quick_one_stays() {
    let (live, service) = live(LiveOptions::new().keep(4).slow_client(SlowClient::Disconnect));
    let (mut slow, mut quick) = (Browser::open(&service, None).await, Browser::open(&service, None).await);
    for number in 0..10 {
        publish(&live, number..number + 1).await;
        quick.ready();
    }
    assert_eq!(slow.read().await, None);
    drop(slow);
    assert_eq!((live.counts().clients, live.counts().disconnected), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_waits_is_as_fast_as_the_slowest_client_within_its_patience() {
    let patience = Duration::from_secs(5);
    let (live, service) = live(LiveOptions::new().keep(2).slow_client(SlowClient::Wait { patience }));
    let mut slow = Browser::open(&service, None).await;
    let sink = live.sink(|number: &u32| Event::default().data(number.to_string()));
    let step = StepOptions::named("live").max_demand(1).min_demand(0);
    let running = Pipeline::builder("numbers")
        .start_fn("numbers", || Ok(0..100))
        .finish(step, move || Ok(sink.clone()))
        .start()
        .await
        .unwrap();
    settle().await;
    assert_eq!(live.counts().published, 2);
    for number in 0..50 {
        assert_eq!(field(&slow.read().await.unwrap(), "data"), number.to_string());
        settle().await;
        assert_eq!(live.counts().published, number + 3, "the pipeline ran ahead");
    }
    // The client stays away, and the pipeline goes on without it.
    running.join().await.unwrap();
    assert_eq!((live.counts().published, live.counts().disconnected), (100, 1));
    assert_eq!(slow.ready(), Vec::<String>::new());
    assert_eq!(slow.read().await, None);
}

#[tokio::test(start_paused = true)]
async fn too_many_clients_get_503_and_the_end_comes_behind_the_last_event() {
    let (live, service) = live(LiveOptions::new().clients(1));
    let mut only = Browser::open(&service, None).await;
    let refused = answer(&service, None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        to_bytes(refused.into_body(), 100).await.unwrap(),
        r#"{"error":"there are 1 clients already"}"#
    );
    publish(&live, 0..2).await;
    live.end();
    assert_eq!(data(&only.ready()), ["0", "1"]);
    assert_eq!(only.read().await, None);
    drop(only);
    assert_eq!(live.counts().clients, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_events_shows_signs_of_life() {
    let (_live, service) = live(LiveOptions::new().keep_alive(Duration::from_secs(7)));
    let mut browser = Browser::open(&service, None).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(browser.read().await.as_deref(), Some(":\n\n"));
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[test]
fn invalid_options_name_their_range() {
    let said = |options| Live::new(options).unwrap_err().to_string();
    assert_eq!(said(LiveOptions::new().keep(0)), "`keep` must be from 1 to 1000000, got 0");
    assert_eq!(
        said(LiveOptions::new().keep(2).replay(3)),
        "`replay` must be at most the 2 events kept, got 3"
    );
    assert_eq!(said(LiveOptions::new().clients(0)), "`clients` must be at least 1, got 0");
}
