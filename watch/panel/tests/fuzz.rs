//! Random requests: the panel answers every one of them, and its guards hold.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod requests;

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use proptest::prelude::*;
use requests::{Ask, TOKEN, body, slow_pipeline};
use stage_core::watch::Board;
use stage_panel::{Controls, Options, Tap, Token, router_with};
use tower::ServiceExt;

/// Parts of paths: those of the panel, and others.
fn part() -> impl Strategy<Value = String> {
    let known = [
        "api",
        "pipelines",
        "upload",
        "live",
        "ready",
        "stalls",
        "mermaid",
        "metrics",
        "dead",
        "tap",
        "steps",
        "double",
        "store",
        "pause",
        "resume",
        "window",
        "rates",
        "drain",
        "stop",
        "retry",
        "drop",
        "%2F",
        "%00",
        "%ff",
        "..",
        "",
    ];
    prop_oneof![
        8 => prop::sample::select(known.map(str::to_owned).to_vec()),
        1 => "[ -~]{0,8}",
    ]
}

fn path() -> impl Strategy<Value = String> {
    let query = prop_oneof![
        2 => Just(String::new()),
        1 => "\\?(hz|every|seconds|after)=[ -~]{0,6}",
        1 => "\\?[ -~]{0,12}",
    ];
    let known = (prop::collection::vec(part(), 0..4), query.clone())
        .prop_map(|(parts, query)| format!("/api/pipelines/upload/{}{query}", parts.join("/")));
    let any = (prop::collection::vec(part(), 0..6), query)
        .prop_map(|(parts, query)| format!("/{}{query}", parts.join("/")));
    prop_oneof![2 => known, 1 => any]
}

fn ask() -> impl Strategy<Value = Ask> {
    let method = prop::sample::select(vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ]);
    let host = prop_oneof![
        4 => Just(b"localhost".to_vec()),
        1 => Just(b"evil.org".to_vec()),
        1 => prop::collection::vec(32_u8.., 0..12),
    ];
    let token = prop::option::of(prop_oneof![Just(TOKEN.into()), prop::collection::vec(32_u8.., 0..12)]);
    let body = prop_oneof![
        Just(br#"{"min": 1, "max": 10}"#.to_vec()),
        Just(br#"{"per_second": 1e99}"#.to_vec()),
        "[{}\":,0-9.e-]{0,20}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    (method, path(), host, token, body).prop_map(|(method, path, host, token, body)| Ask {
        method,
        path,
        host,
        token,
        body,
    })
}

#[test]
fn no_request_makes_the_panel_panic_or_passes_its_guards() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (panel, _running) = runtime.block_on(async {
        let running = slow_pipeline().start().await.unwrap();
        let board = Board::new();
        board.add("upload", &running).unwrap();
        let options = Options::new().controls(Controls::all()).token(Token::new(TOKEN));
        (router_with(board, options.tap("upload", "double", &Tap::new())), running)
    });
    proptest!(ProptestConfig::with_cases(3_000), |(ask in ask())| {
        let (is_foreign, has_token) = (ask.host != b"localhost", ask.token.as_deref() == Some(TOKEN.as_bytes()));
        let only_reads = matches!(ask.method, Method::GET | Method::HEAD);
        let is_probe = ask.path.starts_with("/live") || ask.path.starts_with("/ready");
        // Not every path and host can be sent at all.
        let Ok(request) = ask.request() else { return Ok(()) };
        let skips_body = request.method() == Method::HEAD;
        let answer = runtime.block_on(panel.clone().oneshot(request)).unwrap();
        let status = answer.status();
        if status.is_success() {
            let loopback_by_chance = is_foreign && is_probe;
            prop_assert!(!is_foreign || loopback_by_chance, "a foreign host was served");
            prop_assert!(only_reads || has_token, "a control without the token");
        } else if !skips_body && !is_probe {
            prop_assert_eq!(&answer.headers()[CONTENT_TYPE], "application/json");
            let line = runtime.block_on(body(answer));
            prop_assert_eq!(line.lines().count(), 1, "{}", line);
            prop_assert!(line.starts_with("{\"error\":\""), "{}", line);
        }
    });
}
