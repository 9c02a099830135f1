//! The panel's answers, without a browser and without a network, on paused time.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod copies;
mod dead_letters;
mod requests;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use requests::{Ask, Events, TOKEN, body, json, slow_pipeline};
use serde_json::{Value, json};
use stage_core::pipeline::Outcome;
use stage_core::rate::{Budget, Rate, RateLimiter};
use stage_core::watch::Board;
use stage_core::{Demand, Emitter, Pipeline, Producer, Running, StageResult, sink};
use stage_panel::{Controls, Options, Tap, Token, router, router_with};

/// A panel of one pipeline, and that pipeline.
async fn panel(options: Options) -> (Router, Running) {
    let running = slow_pipeline().start().await.unwrap();
    let board = Board::new();
    board.add("upload", &running).unwrap();
    (router_with(board, options), running)
}

fn controlled() -> Options {
    Options::new().controls(Controls::all()).token(Token::new(TOKEN))
}

#[tokio::test(start_paused = true)]
async fn the_page_allows_nothing_but_itself() {
    let (panel, _running) = panel(Options::new()).await;
    let (one, other) = (Ask::get("/").of(&panel).await, Ask::get("/").of(&panel).await);
    assert_eq!(one.status(), StatusCode::OK);
    let headers = one.headers().clone();
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'nonce-"), "{policy}");
    assert_ne!(headers[CONTENT_SECURITY_POLICY], other.headers()[CONTENT_SECURITY_POLICY]);
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let nonce = policy.split('\'').nth(3).unwrap().strip_prefix("nonce-").unwrap().to_owned();
    let page = body(one).await;
    assert!(page.contains(&format!("<script nonce=\"{nonce}\">")) && !page.contains("%NONCE%"));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_host_gets_403_with_the_remedy() {
    let (own, _running) = panel(Options::new().allow_host("panel.example.org")).await;
    for host in ["localhost", "localhost:4000", "127.0.0.1:1", "[::1]:80", "PANEL.example.org:443"] {
        assert_eq!(Ask::get("/api/pipelines").host(host).of(&own).await.status(), StatusCode::OK, "{host}");
    }
    for host in ["evil.example.org", "panel.example.org.evil.org", "10.0.0.1", "localhost.evil.org:80"] {
        let answer = Ask::get("/api/pipelines").host(host).of(&own).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{host}");
        let line = body(answer).await;
        assert!(line.contains("is not allowed: allow it with `Options::allow_host`"), "{line}");
    }
    assert_eq!(Ask::get("/").host("").of(&own).await.status(), StatusCode::FORBIDDEN);
    // Probes name the machine by any address.
    assert_eq!(Ask::get("/live").host("10.0.0.7:9000").of(&own).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn an_address_to_listen_on_is_an_allowed_host() {
    let address = SocketAddr::from(([10, 0, 0, 7], 80));
    let (own, _running) = panel(Options::new().listen_on(address)).await;
    assert_eq!(Ask::get("/").host("10.0.0.7").of(&own).await.status(), StatusCode::OK);
    let (all, _running) = panel(Options::new().listen_on((Ipv4Addr::UNSPECIFIED, 80).into())).await;
    assert_eq!(Ask::get("/").host("0.0.0.0").of(&all).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_listed_and_described() {
    let (panel, _running) = panel(Options::new()).await;
    let listed = json(Ask::get("/api/pipelines").of(&panel).await).await;
    assert_eq!(listed["pipelines"][0]["name"], "upload");
    assert_eq!(listed["pipelines"][0]["state"], "running");
    let described = json(Ask::get("/api/pipelines/upload").of(&panel).await).await;
    let names: Vec<_> = described["steps"].as_array().unwrap().iter().map(|step| &step["name"]).collect();
    assert_eq!(names, ["numbers", "double", "store"]);
    assert_eq!(described["steps"][1]["kind"], "producer_consumer");
    assert_eq!(described["steps"][2]["count"], 2);
    assert_eq!(described["steps"][2]["max_demand"], 100);
    assert_eq!(
        described["links"][0],
        json!({
            "from": "numbers", "to": "double", "kind": "straight", "carries": "events", "in_flight": 100,
        })
    );
    assert_eq!(described["controls"], json!([]));
    let options = described["options"].as_array().unwrap();
    let of = |name| options.iter().find(|of| of["step"] == "store" && of["name"] == name).unwrap();
    assert_eq!((&of("max_demand")["value"], &of("max_demand")["origin"]), (&json!("100"), &json!("code")));
    assert_eq!(
        (&of("placement")["value"], &of("placement")["origin"]),
        (&json!("runtime"), &json!("default"))
    );
    let mermaid = body(Ask::get("/api/pipelines/upload/mermaid").of(&panel).await).await;
    assert!(mermaid.contains("numbers") && mermaid.contains("store"), "{mermaid}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_named_in_one_line_of_json() {
    let (panel, _running) = panel(controlled()).await;
    let cases = [
        (Ask::get("/api/pipelines/other"), 404, "no pipeline `other` is on the board"),
        (Ask::get("/nothing"), 404, "there is nothing at this path"),
        (Ask::get("/api/pipelines/upload/live?hz=11"), 400, "`hz` is a whole number from 1 to 10, not `11`"),
        (
            Ask::get("/api/pipelines/upload/live?hz=fast"),
            400,
            "`hz` is a whole number from 1 to 10, not `fast`",
        ),
        (Ask::post("/api/pipelines"), 405, "this path does not take this method"),
        (
            Ask::get("/api/pipelines/upload/dead"),
            404,
            "`upload` shows no dead letters: `Options::dead_letters` adds them",
        ),
        (
            Ask::get("/api/pipelines/upload/tap/double"),
            404,
            "there is no tap at this step: `Options::tap` adds one",
        ),
        (
            Ask::post("/api/pipelines/upload/steps/duoble/pause").token(TOKEN),
            404,
            "the pipeline `upload` has no step `duoble`; its steps are `numbers`, `double` and `store`",
        ),
        (
            Ask::put("/api/pipelines/upload/steps/double/window", r#"{"min": 5, "max": 5}"#).token(TOKEN),
            400,
            "min_demand",
        ),
        (
            Ask::put("/api/pipelines/upload/steps/double/window", "max=5").token(TOKEN),
            400,
            r#"the body is not {"min": 1, "max": 10}"#,
        ),
        (
            Ask::put("/api/pipelines/upload/rates/double", r#"{"per_second": 5}"#).token(TOKEN),
            404,
            "has a rate",
        ),
    ];
    for (ask, status, part) in cases {
        let what = format!("{ask:?}");
        let answer = ask.of(&panel).await;
        assert_eq!(answer.status().as_u16(), status, "{what}");
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        let text = body(answer).await;
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(line["error"].as_str().unwrap().contains(part), "{what}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn viewers_get_the_history_and_then_ticks_with_the_bottleneck() {
    let (panel, _running) = panel(Options::new()).await;
    let mut events = Events::of(Ask::get("/api/pipelines/upload/live?hz=4").of(&panel).await);
    let (name, history) = events.next().await;
    assert_eq!((&*name, &history["steps"]), ("history", &json!([])));
    let mut last = events.next().await.1;
    assert_eq!(last["verdict"]["kind"], "measuring");
    for _ in 0..20 {
        let (name, tick) = events.next().await;
        assert_eq!(name, "tick");
        assert!(tick["at"].as_f64() > last["at"].as_f64());
        last = tick;
    }
    assert_eq!(last["state"], "running");
    assert_eq!(last["verdict"]["steps"], json!(["store"]));
    let text = last["verdict"]["text"].as_str().unwrap();
    assert!(text.starts_with("`store` is the bottleneck: the callbacks of its 2 copies wait "), "{text}");
    let store = &last["steps"][2];
    // Two copies, 10 ms an event.
    assert!((190.0..210.0).contains(&store["in"].as_f64().unwrap()), "{store}");
    assert_eq!(store["copies"].as_array().unwrap().len(), 2);
    let times: u64 = store["times"].as_array().unwrap().iter().map(|share| share.as_u64().unwrap()).sum();
    assert!((998..=1002).contains(&times), "{store}");
    let link = &last["links"][1];
    assert_eq!((&link["from"], &link["to"], &link["room"]), (&json!("double"), &json!("store"), &json!(200)));
    assert!(link["fill"].as_f64().unwrap() > 0.5 && link["wait"].as_f64().unwrap() > 0.3, "{link}");
}

/// A source whose server does not answer.
struct Unreachable;

impl Producer for Unreachable {
    type Event = u64;

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        out.set_waiting_for(Some("the server db:5432: connection refused"));
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_tick_names_the_condition_that_a_step_waits_for() {
    let board = Board::new();
    let running = Pipeline::builder("orders")
        .start("inbox", || Ok(Unreachable))
        .finish("store", || Ok(sink::for_each(|_: u64| {})))
        .start()
        .await
        .unwrap();
    board.add("orders", &running).unwrap();
    let panel = router_with(board, Options::new());
    let mut events = Events::of(Ask::get("/api/pipelines/orders/live").of(&panel).await);
    let tick = loop {
        let (name, tick) = events.next().await;
        if name == "tick" && tick["steps"][0]["waiting_for"] != json!(null) {
            break tick;
        }
    };
    assert_eq!(tick["steps"][0]["waiting_for"], "the server db:5432: connection refused");
    assert_eq!(tick["steps"][1]["waiting_for"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_skips_ticks_and_a_second_one_starts_with_the_history() {
    let (panel, _running) = panel(Options::new()).await;
    let mut slow = Events::of(Ask::get("/api/pipelines/upload/live?hz=10").of(&panel).await);
    slow.next().await;
    let before = slow.next().await.1;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let after = slow.next().await.1;
    assert!(after["at"].as_f64().unwrap() - before["at"].as_f64().unwrap() > 29.0);
    let mut second = Events::of(Ask::get("/api/pipelines/upload/live").of(&panel).await);
    let history = second.next().await.1;
    let numbers = &history["steps"][1];
    assert_eq!(numbers[0], "numbers");
    assert!(numbers[1].as_array().unwrap().len() >= 29, "{numbers}");
}

#[tokio::test(start_paused = true)]
async fn the_streams_of_a_pipeline_that_leaves_the_board_end() {
    let running = slow_pipeline().start().await.unwrap();
    let board = Board::new();
    board.add("upload", &running).unwrap();
    let panel = router(board.clone());
    let mut events = Events::of(Ask::get("/api/pipelines/upload/live").of(&panel).await);
    events.next().await;
    board.remove("upload");
    while events.try_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn more_viewers_than_the_bound_are_refused() {
    let (panel, _running) = panel(Options::new()).await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(Ask::get("/api/pipelines/upload/live").of(&panel).await);
    }
    let refused = Ask::get("/api/pipelines/upload/live").of(&panel).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    streams.pop();
    let served = Ask::get("/api/pipelines/upload/live").of(&panel).await;
    assert_eq!(served.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn controls_need_the_option_and_the_token() {
    let (own, _running) = panel(controlled().controls(Controls::none().pause())).await;
    let pause = "/api/pipelines/upload/steps/numbers/pause";
    for (ask, part) in [
        (Ask::post(pause), "need the token"),
        (Ask::post(pause).token("wrong"), "need the token"),
        (Ask::post("/api/pipelines/upload/stop").token(TOKEN), "does not allow `stop`"),
        (Ask::post("/api/pipelines/upload/drain?seconds=1").token(TOKEN), "does not allow `drain`"),
    ] {
        let answer = ask.of(&own).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let line = body(answer).await;
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(Ask::post(pause).token(TOKEN).of(&own).await.status(), StatusCode::OK);
    let (none, _running) = panel(Options::new()).await;
    assert_eq!(Ask::post(pause).token(TOKEN).of(&none).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a_pause_brings_the_rate_to_zero_and_a_resume_brings_it_back() {
    let (panel, running) = panel(controlled()).await;
    let mut events = Events::of(Ask::get("/api/pipelines/upload/live?hz=2").of(&panel).await);
    events.next().await;
    assert_eq!(
        Ask::post("/api/pipelines/upload/pause").token(TOKEN).of(&panel).await.status(),
        StatusCode::OK
    );
    let paused = events.until(|tick| tick["state"] == "paused" && tick["steps"][2]["in"] == 0.0).await;
    assert_eq!((&paused["steps"][0]["paused"], &paused["steps"][1]["paused"]), (&json!(true), &json!(false)));
    assert_eq!(
        Ask::post("/api/pipelines/upload/resume").token(TOKEN).of(&panel).await.status(),
        StatusCode::OK
    );
    events.until(|tick| tick["state"] == "running" && tick["steps"][2]["in"].as_f64() > Some(100.0)).await;
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_window_set_on_the_page_is_described() {
    let (panel, _running) = panel(controlled()).await;
    let set = Ask::put("/api/pipelines/upload/steps/store/window", r#"{"min": 3, "max": 7}"#).token(TOKEN);
    assert_eq!(json(set.of(&panel).await).await, json!({ "done": true }));
    let described = json(Ask::get("/api/pipelines/upload").of(&panel).await).await;
    let store = &described["steps"][2];
    assert_eq!((&store["min_demand"], &store["max_demand"]), (&json!(3), &json!(7)));
    let mut options = described["options"].as_array().unwrap().iter().filter(|of| of["origin"] == "steering");
    let steered = json!({ "step": "store", "name": "min_demand", "value": "3", "origin": "steering" });
    assert!(options.any(|option| *option == steered), "{described}");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_replaces_a_tuned_one_is_described_with_its_numbers() {
    let running = Pipeline::builder("tuned")
        .start_fn("numbers", || Ok(0_u64..))
        .finish_fn("send", |_| ())
        .start()
        .await
        .unwrap();
    let board = Board::new();
    board.add("tuned", &running).unwrap();
    let panel = router_with(board, controlled());
    let set = Ask::put("/api/pipelines/tuned/steps/send/window", r#"{"min": 3, "max": 7}"#).token(TOKEN);
    assert_eq!(json(set.of(&panel).await).await, json!({ "done": true }));
    let described = json(Ask::get("/api/pipelines/tuned").of(&panel).await).await;
    let steered = |name: &str, value: &str| json!({ "step": "send", "name": name, "value": value, "origin": "steering" });
    let options = described["options"].as_array().unwrap();
    for option in [steered("demand", "fixed"), steered("max_demand", "7"), steered("min_demand", "3")] {
        assert_eq!(
            options.iter().filter(|described| **described == option).count(),
            1,
            "{option}: {described}"
        );
    }
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rate_set_on_the_page_applies() {
    let limit = Budget::new(Rate::new(10, Duration::from_secs(1)).unwrap());
    let running = Pipeline::builder("mails")
        .start_fn("numbers", || Ok(0_u64..))
        .step("limit", move || Ok(RateLimiter::new(limit.clone())))
        .finish_fn("send", |_| ())
        .start()
        .await
        .unwrap();
    let board = Board::new();
    board.add("mails", &running).unwrap();
    let panel = router_with(board, controlled());
    let mut events = Events::of(Ask::get("/api/pipelines/mails/live").of(&panel).await);
    events.next().await;
    let around =
        |tick: &Value, rate: f64| tick["steps"][2]["in"].as_f64().is_some_and(|at| (at - rate).abs() < 2.0);
    events.until(|tick| around(tick, 10.0)).await;
    let set = Ask::put("/api/pipelines/mails/rates/limit", r#"{"per_second": 50}"#).token(TOKEN);
    assert_eq!(json(set.of(&panel).await).await, json!({ "done": true }));
    events.until(|tick| around(tick, 50.0)).await;
    let described = json(Ask::get("/api/pipelines/mails").of(&panel).await).await;
    assert_eq!(described["rates"], json!(["limit"]));
    assert_eq!(described["steps"][1]["rate"], "50 events per 1s");
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_and_a_stop_end_the_pipeline() {
    let (drained, running) = panel(controlled()).await;
    let drain = Ask::post("/api/pipelines/upload/drain?seconds=60").token(TOKEN);
    assert_eq!(drain.of(&drained).await.status(), StatusCode::OK);
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Drained);
    let again = Ask::post("/api/pipelines/upload/stop").token(TOKEN).of(&drained).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    let (stopped, running) = panel(controlled()).await;
    assert_eq!(
        Ask::post("/api/pipelines/upload/stop").token(TOKEN).of(&stopped).await.status(),
        StatusCode::OK
    );
    assert_eq!(running.join().await.unwrap().outcome, Outcome::Stopped);
}

#[tokio::test(start_paused = true)]
async fn probes_tell_whether_the_pipelines_work() {
    let board = Board::new();
    let probe = router(board.clone());
    assert_eq!(Ask::get("/ready").of(&probe).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let running = slow_pipeline().start().await.unwrap();
    board.add("upload", &running).unwrap();
    assert_eq!(Ask::get("/ready").of(&probe).await.status(), StatusCode::OK);
    running.stop().await.unwrap();
    assert_eq!(Ask::get("/ready").of(&probe).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(Ask::get("/live").of(&probe).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_tap_shows_a_sample_of_the_events() {
    let tap = Tap::new();
    let (panel, _running) = panel(Options::new().tap("upload", "double", &tap)).await;
    let answer = Ask::get("/api/pipelines/upload/tap/double?every=10").of(&panel).await;
    let mut events = Events::of(answer);
    (0..20).for_each(|number| tap.see(&number));
    assert_eq!(events.next_text().await, Some(("event".into(), "0".into())));
    assert_eq!(events.next_text().await, Some(("event".into(), "10".into())));
}

#[tokio::test(start_paused = true)]
async fn a_panel_nested_in_a_service_answers_below_its_path() {
    let board = Board::new();
    let service = Router::new().nest("/ops/panel", router(board));
    assert_eq!(Ask::get("/ops/panel").of(&service).await.status(), StatusCode::OK);
    assert_eq!(Ask::get("/ops/panel/api/pipelines").of(&service).await.status(), StatusCode::OK);
    assert_eq!(Ask::get("/ops/panel/api/pipelines").host("evil.org").of(&service).await.status(), 403);
}
