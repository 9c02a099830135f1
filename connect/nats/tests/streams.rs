//! Reading, settling and publishing, on a server of the tests' own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::num::NonZeroUsize;
use std::time::Duration;

use async_nats::jetstream::consumer;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use futures_util::StreamExt;
use stage_connect::laws::Certificate;
use stage_connect::laws::by_hand::{opened, put_all, settle_all, take, take_all};
use stage_connect::{ConnectError, Disposition, ErrorKind, MessageId, Pull, Pulled, Push, PutError, Settle};
use stage_nats::{
    NatsMessage, NatsPull, NatsPush, NatsSettle, Outgoing, PublishOptions, ReadOptions, Receipt, Server,
};
use support::NatsServer;

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

type Delivery = Pulled<NatsMessage, Receipt>;

fn options() -> ReadOptions {
    ReadOptions::new("ORDERS", "g")
}

async fn reader(server: &NatsServer, options: ReadOptions) -> (NatsPull, NatsSettle) {
    opened(NatsPull::new(server.server(), options)).await
}

async fn writer(server: &NatsServer) -> NatsPush {
    let mut push = NatsPush::new(server.server(), PublishOptions::to("orders"));
    push.connect().await.unwrap();
    push
}

fn messages(range: std::ops::Range<u32>) -> Vec<(MessageId, Outgoing)> {
    let message = |number: u32| {
        let text = number.to_string();
        (MessageId::new(format!("message-{text}")), Outgoing::new(text))
    };
    range.map(message).collect()
}

/// Starts a server with the stream `ORDERS`.
async fn start(arguments: &[&str]) -> Option<NatsServer> {
    let server = NatsServer::start(arguments).await?;
    server.server().create_stream("ORDERS", &["orders"]).await.unwrap();
    Some(server)
}

async fn publish(server: &NatsServer, range: std::ops::Range<u32>) {
    let mut push = writer(server).await;
    put_all(&mut push, &messages(range)).await;
}

fn numbers(pulled: &[Delivery]) -> Vec<(String, u32)> {
    let number =
        |pulled: &Delivery| (String::from_utf8(pulled.message.payload.to_vec()).unwrap(), pulled.attempt);
    pulled.iter().map(number).collect()
}

fn expected(numbers: &[(u32, u32)]) -> Vec<(String, u32)> {
    numbers.iter().map(|(number, attempt)| (number.to_string(), *attempt)).collect()
}

async fn consumer(server: &NatsServer) -> consumer::Info {
    let context = async_nats::jetstream::new(server.client().await);
    let consumer: consumer::PullConsumer = context.get_consumer_from_stream("g", "ORDERS").await.unwrap();
    consumer.cached_info().clone()
}

/// The number of messages that the consumer has delivered and that are not settled.
async fn open(server: &NatsServer) -> usize {
    consumer(server).await.num_ack_pending
}

#[tokio::test]
async fn messages_come_by_demand_and_not_again_once_accepted() {
    let Some(server) = start(&[]).await else { return };
    publish(&server, 0..5).await;
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 3, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1), (1, 1), (2, 1)]));
    assert_eq!((pulled[2].message.sequence, &*pulled[2].message.subject), (3, "orders"));
    assert_eq!(open(&server).await, 3);
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(open(&server).await, 0);
    let pulled = take_all(&mut pull, 2, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(3, 1), (4, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    // The repetition of a report that was not answered.
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert!(take(&mut pull, 3, SHORT).await.is_empty());
    settle.finish().await.unwrap();
}

#[tokio::test]
async fn a_failed_attempt_counts_and_a_release_does_not() {
    let Some(server) = start(&[]).await else { return };
    publish(&server, 0..1).await;
    let (mut pull, mut settle) = reader(&server, options()).await;
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
    assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_dead_message_is_published_once_with_its_cause() {
    let Some(server) = start(&[]).await else { return };
    let mut push = writer(&server).await;
    let message = Outgoing::new("7").header("customer", "17");
    push.put(&[(MessageId::new("seven"), message)]).await.unwrap();
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take(&mut pull, 1, LONG).await;
    let dead = Disposition::Dead { cause: "no such\ncustomer".to_owned() };
    settle_all(&mut settle, &pulled, dead.clone()).await;
    settle_all(&mut settle, &pulled, dead).await;
    assert_eq!(open(&server).await, 0);
    let (mut dead, _settle) = reader(&server, ReadOptions::new("DEAD_ORDERS", "undertaker")).await;
    let letters = take(&mut dead, 9, LONG).await;
    assert_eq!(numbers(&letters), expected(&[(7, 1)]));
    let header = |name: &str| letters[0].message.headers.get(name).unwrap().as_str();
    assert_eq!(header("Stage-Cause"), "no such customer");
    assert_eq!(header("Stage-Sequence"), "1");
    assert_eq!(header("customer"), "17");
}

#[tokio::test]
async fn the_messages_of_an_ended_process_go_to_another_and_renewed_ones_do_not() {
    let Some(server) = start(&[]).await else { return };
    publish(&server, 0..2).await;
    let lease = Duration::from_millis(1500);
    let (mut first, mut first_settle) = reader(&server, options().lease(lease)).await;
    let pulled = take_all(&mut first, 2, LONG).await;
    let (mut second, _settle) = reader(&server, options().lease(lease)).await;
    // The first message is renewed, the second one is forgotten. One request waits all the time: a server of version 2.9
    // delivers a message as new if a request ends as it delivers the message again.
    let renewing = async {
        loop {
            first_settle.extend(&[pulled[0].receipt.clone()]).await.unwrap();
            tokio::time::sleep(lease / 10).await;
        }
    };
    let taken = tokio::select! {
        taken = take(&mut second, 9, LONG) => taken,
        () = renewing => unreachable!("it is renewed all the time"),
    };
    assert_eq!(numbers(&taken), expected(&[(1, 2)]));
    // An acknowledgement of the former holder counts: the message was handled.
    first_settle.settle(&[(pulled[1].receipt.clone(), Disposition::Accept)]).await.unwrap();
    assert_eq!(open(&server).await, 1);
}

/// Passes the calls of a domain on to the server, except the first request for messages. A server of version 2.9 drops a
/// request without a report if a message arrives as its time ends.
async fn without_first_request(server: &NatsServer, domain: &str) {
    let (client, of_domain) = (server.client().await, format!("$JS.{domain}.API"));
    let mut calls = client.subscribe(format!("{of_domain}.>")).await.unwrap();
    client.flush().await.unwrap();
    tokio::spawn(async move {
        let mut dropped = false;
        while let Some(call) = calls.next().await {
            let subject = call.subject.replace(&of_domain, "$JS.API");
            if subject.contains("MSG.NEXT") && !std::mem::replace(&mut dropped, true) {
                continue;
            }
            client.publish_with_reply(subject, call.reply.unwrap(), call.payload).await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_request_whose_end_is_not_reported_ends_by_itself() {
    let Some(server) = start(&[]).await else { return };
    publish(&server, 0..1).await;
    without_first_request(&server, "forgetful").await;
    let domain = server.server().domain("forgetful");
    let (mut pull, mut settle) = opened(NatsPull::new(domain, options())).await;
    assert!(take(&mut pull, 1, SHORT).await.is_empty());
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
}

#[tokio::test]
async fn a_pull_that_is_dropped_loses_nothing() {
    let Some(server) = start(&[]).await else { return };
    let (mut pull, _settle) = reader(&server, options()).await;
    assert!(tokio::time::timeout(SHORT, take(&mut pull, 4, LONG)).await.is_err());
    publish(&server, 0..3).await;
    let mut numbered = Vec::new();
    while numbered.len() < 3 {
        numbered.extend(numbers(&take(&mut pull, 1, LONG).await));
    }
    assert_eq!(numbered, expected(&[(0, 1), (1, 1), (2, 1)]));
}

#[tokio::test]
async fn a_dropped_reader_releases_the_messages_that_it_did_not_return() {
    let Some(server) = start(&[]).await else { return };
    let lease = Duration::from_secs(600);
    let (mut first, _settle) = reader(&server, options().lease(lease)).await;
    assert!(tokio::time::timeout(SHORT, take(&mut first, 3, LONG)).await.is_err());
    publish(&server, 0..3).await;
    let returned = take(&mut first, 1, LONG).await;
    assert_eq!(returned.len(), 1);
    drop(first);
    let (mut second, _settle) = reader(&server, options().lease(lease)).await;
    let mut rest: Vec<_> =
        numbers(&take_all(&mut second, 2, LONG).await).into_iter().map(|(number, _)| number).collect();
    rest.sort_unstable();
    assert_eq!(rest, ["1", "2"]);
}

#[tokio::test]
async fn a_reader_waits_while_others_have_all_places_at_the_consumer() {
    let Some(server) = start(&[]).await else { return };
    let context = async_nats::jetstream::new(server.client().await);
    let one_at_a_time =
        consumer::pull::Config { durable_name: Some("g".to_owned()), max_waiting: 1, ..Default::default() };
    context.create_consumer_on_stream(one_at_a_time, "ORDERS").await.unwrap();
    let (mut first, _settle) = reader(&server, options()).await;
    let first = tokio::spawn(async move { take(&mut first, 1, LONG).await });
    while consumer(&server).await.num_waiting == 0 {
        assert!(!first.is_finished(), "the request waits");
    }
    let (mut second, mut settle) = reader(&server, options()).await;
    let error = second.pull(NonZeroUsize::MIN, LONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone, "{error}");
    assert!(error.to_string().contains("raise its max_waiting"), "{error}");
    publish(&server, 0..2).await;
    assert_eq!(numbers(&first.await.unwrap()), expected(&[(0, 1)]));
    let pulled = take(&mut second, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(1, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
}

#[tokio::test]
async fn a_repeated_message_is_stored_once() {
    let Some(server) = start(&[]).await else { return };
    let mut push = writer(&server).await;
    assert_eq!(push.put(&messages(0..3)).await.unwrap(), 3);
    assert_eq!(push.put(&messages(1..5)).await.unwrap(), 4);
    let context = async_nats::jetstream::new(server.client().await);
    let stream = context.get_stream("ORDERS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 5);
}

#[tokio::test]
async fn a_full_stream_is_asked_again() {
    let Some(server) = NatsServer::start(&[]).await else { return };
    let context = async_nats::jetstream::new(server.client().await);
    let config = Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders".to_owned()],
        max_messages: 3,
        discard: DiscardPolicy::New,
        retention: async_nats::jetstream::stream::RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let mut push = writer(&server).await;
    assert_eq!(push.put(&messages(0..5)).await.unwrap(), 3);
    assert!(matches!(push.put(&messages(3..5)).await, Err(PutError::Full { .. })));
    let (mut pull, mut settle) = reader(&server, options()).await;
    let pulled = take_all(&mut pull, 3, LONG).await;
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(push.put(&messages(3..5)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_message_that_no_server_takes_is_refused_with_its_place() {
    let Some(server) = start(&[]).await else { return };
    let mut push = writer(&server).await;
    let mut list = messages(0..1);
    list.push((MessageId::new("large"), Outgoing::new(vec![0; 2 << 20])));
    list.push((MessageId::new("wild"), Outgoing::new("x").subject("orders.*")));
    assert_eq!(push.put(&list).await.unwrap(), 1);
    let refused = push.put(&list[1..]).await.unwrap_err();
    assert!(
        matches!(&refused, PutError::Refused { index: 0, cause } if cause.contains("bytes")),
        "{refused}"
    );
    let refused = push.put(&list[2..]).await.unwrap_err();
    assert!(matches!(&refused, PutError::Refused { cause, .. } if cause.contains("orders.*")), "{refused}");
}

fn assert_fatal(error: &ConnectError, part: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{line}");
    assert!(line.contains(part) && !line.contains("hunter2") && line.lines().count() == 1, "{line}");
}

#[tokio::test]
async fn errors_name_the_server_and_the_remedy_and_no_secret() {
    let Some(server) = NatsServer::start(&["--user", "joe", "--pass", "hunter2"]).await else { return };
    let pull = |server, options| NatsPull::new(server, options);
    let error = pull(server.server(), options()).connect().await.unwrap_err();
    assert_fatal(&error, "check the credentials");
    let wrong = server.server().credentials("joe", "hunter23");
    assert_fatal(&pull(wrong, options()).connect().await.unwrap_err(), "check the credentials");
    let right = server.server().credentials("joe", "hunter2");
    let error = pull(right.clone(), options()).connect().await.unwrap_err();
    assert_fatal(&error, "stream `ORDERS` consumer `g`: there is no such stream; create it");
    let mut push = NatsPush::new(right.clone(), PublishOptions::to("orders"));
    let error = push.connect().await.unwrap_err();
    assert_fatal(&error, "subject `orders`: no stream stores the subject; create a stream");
    right.create_stream("ORDERS", &["orders"]).await.unwrap();
    right.create_stream("ORDERS", &["orders"]).await.unwrap();
    pull(right.clone(), options()).connect().await.unwrap();
    let error = pull(right.clone(), options().lease(LONG)).connect().await.unwrap_err();
    assert_fatal(&error, "its ack_wait is 30000000000, and not 20000000000; change the options");
    let error = pull(right, options().dead_letters("nowhere")).connect().await.unwrap_err();
    assert_fatal(&error, "no stream stores the dead letters `nowhere`; create one");
}

#[tokio::test]
async fn a_server_that_is_away_is_a_transient_error() {
    let mut pull = NatsPull::new(Server::new("nats://127.0.0.1:1").unwrap(), options());
    let error = pull.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(error.to_string().starts_with("nats://127.0.0.1:1: cannot connect: "), "{error}");
}

#[tokio::test]
async fn a_trusted_server_is_reached_encrypted_and_another_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(Certificate { certificate, key }) = Certificate::create(folder.path()) else { return };
    let (cert, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let Some(server) = NatsServer::start(&["--tls", "--tlscert", cert, "--tlskey", key]).await else {
        return;
    };
    let trusting = server.server().root_certificates(&certificate);
    trusting.create_stream("ORDERS", &["orders"]).await.unwrap();
    let mut push = NatsPush::new(trusting.clone(), PublishOptions::to("orders"));
    push.connect().await.unwrap();
    put_all(&mut push, &messages(0..1)).await;
    let (mut pull, _settle) = opened(NatsPull::new(trusting, options())).await;
    assert_eq!(take(&mut pull, 1, LONG).await.len(), 1);
    // The authorities of the system do not know it.
    let error = NatsPull::new(server.server(), options()).connect().await.unwrap_err();
    assert_fatal(&error, "check the certificate of the server and its authority");
}

#[tokio::test]
async fn the_trace_of_a_message_arrives() {
    let Some(server) = start(&[]).await else { return };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut message = Outgoing::new("1").header("traceparent", "old");
    NatsPush::set_header(&mut message, "traceparent", trace);
    NatsPush::set_header(&mut message, "tracestate", "two\r\nlines");
    writer(&server).await.put(&[(MessageId::new("one"), message)]).await.unwrap();
    let (mut pull, _settle) = reader(&server, options()).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(NatsPull::header(&pulled[0].message, "traceparent").as_deref(), Some(trace));
    assert_eq!(NatsPull::header(&pulled[0].message, "tracestate"), None);
}
