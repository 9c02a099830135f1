//! Reading, settling and appending, on a server of the tests' own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;
use stage_connect::laws::by_hand::{opened, put_all, settle_all, take};
use stage_connect::{ConnectError, Disposition, ErrorKind, MessageId, Pull, Pulled, Push, PutError, Settle};
use stage_redis::{
    Append, Entry, Fields, Limit, ReadOptions, Receipt, RedisPull, RedisPush, RedisSettle, Server,
};
use support::RedisServer;

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

type Delivery = Pulled<Entry, Receipt>;

async fn reader(server: &RedisServer, options: ReadOptions) -> (RedisPull, RedisSettle) {
    let options = options.claim_every(Duration::from_millis(5));
    opened(RedisPull::new(server.server(), options)).await
}

async fn writer(server: &RedisServer, options: Append) -> RedisPush {
    let mut push = RedisPush::new(server.server(), options);
    push.connect().await.unwrap();
    push
}

fn messages(range: std::ops::Range<u32>) -> Vec<(MessageId, Fields)> {
    let message = |number: u32| {
        let text = number.to_string();
        (MessageId::new(format!("message-{text}")), Fields::payload(text))
    };
    range.map(message).collect()
}

async fn append(server: &RedisServer, range: std::ops::Range<u32>) {
    let mut push = writer(server, Append::to("orders")).await;
    put_all(&mut push, &messages(range)).await;
}

fn numbers(pulled: &[Delivery]) -> Vec<(String, u32)> {
    let number = |pulled: &Delivery| {
        let payload = pulled.message.fields.get("payload").unwrap();
        (String::from_utf8(payload.to_vec()).unwrap(), pulled.attempt)
    };
    pulled.iter().map(number).collect()
}

fn expected(numbers: &[(u32, u32)]) -> Vec<(String, u32)> {
    numbers.iter().map(|(number, attempt)| (number.to_string(), *attempt)).collect()
}

async fn ask(link: &mut MultiplexedConnection, command: &[&str]) -> Value {
    let mut cmd = redis::cmd(command[0]);
    cmd.arg(&command[1..]);
    cmd.query_async(link).await.unwrap()
}

async fn pending(server: &RedisServer) -> Value {
    let Value::Array(summary) = ask(&mut server.link().await.unwrap(), &["XPENDING", "orders", "g"]).await
    else {
        panic!("no summary");
    };
    summary[0].clone()
}

#[tokio::test]
async fn entries_come_by_demand_and_not_again_once_accepted() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    append(&server, 0..5).await;
    let (mut pull, mut settle) = reader(&server, ReadOptions::new("orders", "g")).await;
    let pulled = take(&mut pull, 3, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1), (1, 1), (2, 1)]));
    assert_eq!(pending(&server).await, Value::Int(3));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    let pulled = take(&mut pull, 3, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(3, 1), (4, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    // The repetition of a report that was not answered.
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(pending(&server).await, Value::Int(0));
    assert!(take(&mut pull, 3, SHORT).await.is_empty());
    settle.finish().await.unwrap();
    let consumers = ask(&mut server.link().await.unwrap(), &["XINFO", "CONSUMERS", "orders", "g"]).await;
    assert_eq!(consumers, Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_failed_attempt_counts_and_a_release_does_not() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    append(&server, 0..1).await;
    let lease = Duration::from_secs(60);
    let (mut pull, mut settle) = reader(&server, ReadOptions::new("orders", "g").lease(lease)).await;
    let pulled = take(&mut pull, 1, LONG).await;
    settle_all(&mut settle, &pulled, Disposition::Release).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Retry { after: Duration::ZERO }).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 2)]));
    let begun = std::time::Instant::now();
    settle_all(&mut settle, &pulled, Disposition::Retry { after: Duration::from_millis(300) }).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 3)]));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_retry_may_wait_longer_than_the_lease() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    append(&server, 0..1).await;
    let lease = Duration::from_millis(100);
    let (mut pull, mut settle) = reader(&server, ReadOptions::new("orders", "g").lease(lease)).await;
    let pulled = take(&mut pull, 1, LONG).await;
    let begun = std::time::Instant::now();
    settle_all(&mut settle, &pulled, Disposition::Retry { after: Duration::from_millis(500) }).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert!(begun.elapsed() >= Duration::from_millis(500));
    assert_eq!(numbers(&pulled), expected(&[(0, 2)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(ask(&mut server.link().await.unwrap(), &["EXISTS", "orders:g:due"]).await, Value::Int(0));
}

#[tokio::test]
async fn a_dead_entry_is_appended_once_to_the_dead_letters() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    append(&server, 0..2).await;
    let options = ReadOptions::new("orders", "g").delete_when_settled();
    let (mut pull, mut settle) = reader(&server, options).await;
    let pulled = take(&mut pull, 2, LONG).await;
    let dead = Disposition::Dead { cause: "no such customer".to_owned() };
    settle_all(&mut settle, &pulled[..1], dead.clone()).await;
    settle_all(&mut settle, &pulled[..1], dead).await;
    settle_all(&mut settle, &pulled[1..], Disposition::Accept).await;
    let mut link = server.link().await.unwrap();
    assert_eq!(ask(&mut link, &["XLEN", "orders"]).await, Value::Int(0));
    let (mut dead, _) = reader(&server, ReadOptions::new("orders:dead", "undertaker")).await;
    let letters = take(&mut dead, 9, LONG).await;
    assert_eq!(numbers(&letters), expected(&[(0, 1)]));
    let field = |name: &str| letters[0].message.fields.get(name).unwrap().clone();
    assert_eq!(field("stage-cause"), "no such customer");
    assert_eq!(field("stage-id"), pulled[0].message.id);
    assert_eq!(field("stage-attempts"), "1");
}

#[tokio::test]
async fn the_entries_of_an_ended_consumer_go_to_another_and_renewed_ones_do_not() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    append(&server, 0..2).await;
    let lease = Duration::from_millis(1500);
    let options = || ReadOptions::new("orders", "g").lease(lease);
    let (mut first, mut first_settle) = reader(&server, options()).await;
    let pulled = take(&mut first, 2, LONG).await;
    let (mut second, _) = reader(&server, options()).await;
    let mut taken = Vec::new();
    let begun = std::time::Instant::now();
    while taken.is_empty() {
        // The first entry is renewed, the second one is forgotten.
        first_settle.extend(&[pulled[0].receipt.clone()]).await.unwrap();
        taken = take(&mut second, 9, lease / 10).await;
        assert!(begun.elapsed() < LONG);
    }
    assert_eq!(numbers(&taken), expected(&[(1, 2)]));
    // A report of a former holder only counts if the entry was handled.
    let retry = Disposition::Retry { after: Duration::ZERO };
    first_settle.settle(&[(pulled[1].receipt.clone(), retry)]).await.unwrap();
    assert!(take(&mut second, 9, SHORT).await.is_empty());
    first_settle.settle(&[(pulled[1].receipt.clone(), Disposition::Accept)]).await.unwrap();
    assert_eq!(pending(&server).await, Value::Int(1));
}

#[tokio::test]
async fn a_pull_that_is_dropped_loses_nothing() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let options = || ReadOptions::new("orders", "g").lease(Duration::from_secs(60));
    let (mut pull, _settle) = reader(&server, options()).await;
    assert!(tokio::time::timeout(SHORT, take(&mut pull, 4, LONG)).await.is_err());
    append(&server, 0..3).await;
    // The first call asked for four; the second one is given what it asked for, and the third one the rest.
    let mut numbered = numbers(&take(&mut pull, 1, LONG).await);
    while numbered.len() < 3 {
        numbered.extend(numbers(&take(&mut pull, 9, LONG).await));
    }
    assert_eq!(numbered, expected(&[(0, 1), (1, 1), (2, 1)]));
}

#[tokio::test]
async fn a_dropped_reader_releases_what_it_did_not_return() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let options = || ReadOptions::new("orders", "g").lease(Duration::from_secs(600));
    let (mut first, _settle) = reader(&server, options()).await;
    assert!(tokio::time::timeout(SHORT, take(&mut first, 4, LONG)).await.is_err());
    append(&server, 0..4).await;
    let returned = take(&mut first, 1, LONG).await;
    assert_eq!(returned.len(), 1);
    drop(first);
    let (mut second, _) = reader(&server, options()).await;
    let mut rest = Vec::new();
    while rest.len() < 3 {
        rest.extend(numbers(&take(&mut second, 9, LONG).await));
    }
    assert_eq!(rest, expected(&[(1, 1), (2, 1), (3, 1)]));
}

#[tokio::test]
async fn a_repeated_message_is_stored_once() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let mut push = writer(&server, Append::to("orders")).await;
    assert_eq!(push.put(&messages(0..3)).await.unwrap(), 3);
    assert_eq!(push.put(&messages(1..5)).await.unwrap(), 4);
    let mut link = server.link().await.unwrap();
    assert_eq!(ask(&mut link, &["XLEN", "orders"]).await, Value::Int(5));
    let mut push = writer(&server, Append::to("orders").once_within(Duration::ZERO)).await;
    assert_eq!(push.put(&messages(0..1)).await.unwrap(), 1);
    assert_eq!(ask(&mut link, &["XLEN", "orders"]).await, Value::Int(6));
}

#[tokio::test]
async fn a_full_stream_waits_for_acknowledgements_and_never_drops_unread_entries() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (mut pull, mut settle) = reader(&server, ReadOptions::new("orders", "g")).await;
    let mut push = writer(&server, Append::to("orders").limit(Limit::Unread(3))).await;
    assert_eq!(push.put(&messages(0..5)).await.unwrap(), 3);
    assert!(matches!(push.put(&messages(3..5)).await, Err(PutError::Full { .. })));
    let pulled = take(&mut pull, 2, LONG).await;
    settle_all(&mut settle, &pulled[1..], Disposition::Accept).await;
    assert!(matches!(push.put(&messages(3..5)).await, Err(PutError::Full { .. })));
    settle_all(&mut settle, &pulled[..1], Disposition::Accept).await;
    assert_eq!(push.put(&messages(3..6)).await.unwrap(), 2);
    let pulled = take(&mut pull, 9, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(2, 1), (3, 1), (4, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(push.put(&messages(5..8)).await.unwrap(), 3);
}

#[tokio::test]
async fn an_entry_that_no_server_takes_is_refused_with_its_place() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let mut push = writer(&server, Append::to("orders")).await;
    let mut list = messages(0..1);
    list.push((MessageId::new("empty"), Fields::new()));
    assert_eq!(push.put(&list).await.unwrap(), 1);
    let refused = push.put(&list[1..]).await.unwrap_err();
    assert!(
        matches!(&refused, PutError::Refused { index: 0, cause } if cause.contains("at least one field"))
    );
}

fn assert_fatal(error: &ConnectError, part: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{line}");
    assert!(line.contains(part) && !line.contains("hunter2") && line.lines().count() == 1, "{line}");
}

#[tokio::test]
async fn errors_name_the_server_and_the_remedy_and_no_secret() {
    let Some(server) = RedisServer::start(&["--requirepass", "hunter2"]).await else { return };
    let pull = |server| RedisPull::new(server, ReadOptions::new("orders", "g"));
    let error = pull(server.server()).connect().await.unwrap_err();
    assert_fatal(&error, "check the user name and the password");
    let wrong = server.server().credentials("default", "hunter23").unwrap();
    assert_fatal(&pull(wrong).connect().await.unwrap_err(), "check the user name and the password");
    let right = server.server().credentials("default", "hunter2").unwrap();
    pull(right.clone()).connect().await.unwrap();
    let no_database = Server::new(&format!("{}/99", server.url())).unwrap();
    let no_database = no_database.credentials("default", "hunter2").unwrap();
    assert_fatal(&pull(no_database).connect().await.unwrap_err(), "give the number of a database");
    let mut push = RedisPush::new(right.clone(), Append::to("list"));
    push.connect().await.unwrap();
    push.put(&messages(0..1)).await.unwrap();
    let mut link = redis::Client::open(format!("redis://:hunter2@{}", &server.url()[8..]))
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    ask(&mut link, &["DEL", "list"]).await;
    ask(&mut link, &["LPUSH", "list", "1"]).await;
    assert_fatal(
        &push.connect().await.unwrap_err(),
        "the key holds a list; choose a key that holds a stream",
    );
    let mut list = RedisPull::new(right, ReadOptions::new("list", "g"));
    assert_fatal(&list.connect().await.unwrap_err(), "choose a key that holds a stream");
}

#[tokio::test]
async fn a_server_that_is_away_is_a_transient_error() {
    let nobody = Server::new("redis://127.0.0.1:1").unwrap();
    let error = RedisPull::new(nobody, ReadOptions::new("orders", "g")).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(error.to_string().starts_with("redis://127.0.0.1:1: cannot connect: "), "{error}");
}

#[tokio::test]
async fn a_trusted_server_is_reached_encrypted_and_another_one_is_refused() {
    let Some((server, port, certificate)) = RedisServer::start_encrypted().await else { return };
    append(&server, 0..1).await;
    let encrypted = Server::new(&format!("rediss://127.0.0.1:{port}")).unwrap();
    let trusting = encrypted.clone().certificates(&certificate, None).unwrap();
    let (mut pull, _settle) = opened(RedisPull::new(trusting, ReadOptions::new("orders", "g"))).await;
    assert_eq!(take(&mut pull, 1, LONG).await.len(), 1);
    // The authorities of the system do not know it.
    let error = RedisPull::new(encrypted, ReadOptions::new("orders", "g")).connect().await.unwrap_err();
    assert_fatal(&error, "check the certificates of `Server::certificates`");
}

#[tokio::test]
async fn the_trace_of_a_message_arrives() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut fields = Fields::payload("1").with("traceparent", "old");
    RedisPush::set_header(&mut fields, "traceparent", trace);
    let mut push = writer(&server, Append::to("orders")).await;
    push.put(&[(MessageId::new("one"), fields)]).await.unwrap();
    let (mut pull, _settle) = reader(&server, ReadOptions::new("orders", "g")).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(RedisPull::header(&pulled[0].message, "traceparent").as_deref(), Some(trace));
    assert_eq!(RedisPull::header(&pulled[0].message, "tracestate"), None);
}
