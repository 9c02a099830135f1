//! Consuming, settling and publishing, on a server of the tests' own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use stage_connect::laws::by_hand::{opened, put_all, settle_all, take};
use stage_connect::laws::{Authority, Counts};
use stage_connect::{
    ConnectError, Disposition, ErrorKind, MessageId, Pull, PullOptions, Pulled, Push, PushOptions, PutError,
    Settle, sink, source,
};
use stage_core::Pipeline;
use stage_rabbitmq::{
    Outgoing, PublishOptions, QueueKind, RabbitMessage, RabbitPull, RabbitPush, RabbitSettle, ReadOptions,
    Receipt, Server,
};
use support::{RabbitServer, new_queue, texts};

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(100);

type Delivery = Pulled<RabbitMessage, Receipt>;

async fn reader(server: &RabbitServer, options: ReadOptions) -> (RabbitPull, RabbitSettle) {
    opened(RabbitPull::new(server.server(), options)).await
}

fn messages(range: std::ops::Range<u32>) -> Vec<(MessageId, Outgoing)> {
    let message = |number: u32| {
        let text = number.to_string();
        (MessageId::new(format!("message-{text}")), Outgoing::new(text))
    };
    range.map(message).collect()
}

async fn publish(server: &RabbitServer, queue: &str, range: std::ops::Range<u32>) {
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue(queue));
    push.connect().await.unwrap();
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

#[tokio::test]
async fn settled_messages_have_left_the_queue_when_the_call_returns() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, mut settle) = reader(&server, ReadOptions::new(&*queue).kind(QueueKind::Quorum)).await;
    publish(&server, &queue, 0..5).await;
    let mut pulled = Vec::new();
    while pulled.len() < 3 {
        pulled.extend(take(&mut pull, 3 - pulled.len(), LONG).await);
    }
    assert_eq!(numbers(&pulled), expected(&[(0, 1), (1, 1), (2, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    // The repetition of a report that was not answered.
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(server.counts(&queue).in_flight, 0);
    let begun = Instant::now();
    assert_eq!(take(&mut pull, 1, LONG).await.len(), 1);
    assert_eq!(take(&mut pull, 9, LONG).await.len(), 1);
    assert!(begun.elapsed() < LONG);
    assert!(take(&mut pull, 9, SHORT).await.is_empty());
}

#[tokio::test]
async fn an_accepted_batch_settles_no_message_of_another_one() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, mut settle) = reader(&server, ReadOptions::new(&*queue)).await;
    publish(&server, &queue, 0..9).await;
    let mut pulled = Vec::new();
    while pulled.len() < 9 {
        pulled.extend(take(&mut pull, 3.min(9 - pulled.len()), LONG).await);
    }
    let (first, rest) = pulled.split_at(3);
    let (second, third) = rest.split_at(3);
    settle_all(&mut settle, second, Disposition::Accept).await;
    assert_eq!(server.counts(&queue).in_flight, 6);
    let verdicts = [Disposition::Accept, Disposition::Release, Disposition::Accept];
    let list: Vec<_> = first.iter().map(|pulled| pulled.receipt.clone()).zip(verdicts).collect();
    settle.settle(&list).await.unwrap();
    assert_eq!(server.counts(&queue), Counts { ready: 1, in_flight: 3, dead: 0 });
    settle_all(&mut settle, third, Disposition::Accept).await;
    assert_eq!(server.counts(&queue), Counts { ready: 1, in_flight: 0, dead: 0 });
    let again = take(&mut pull, 9, LONG).await;
    assert_eq!(numbers(&again), expected(&[(1, 1)]));
}

#[tokio::test]
async fn a_failed_attempt_counts_and_a_release_does_not() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, mut settle) = reader(&server, ReadOptions::new(&*queue)).await;
    publish(&server, &queue, 0..1).await;
    let pulled = take(&mut pull, 1, LONG).await;
    settle_all(&mut settle, &pulled, Disposition::Release).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Retry { after: Duration::ZERO }).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 2)]));
    let begun = Instant::now();
    settle_all(&mut settle, &pulled, Disposition::Retry { after: Duration::from_millis(300) }).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 3)]));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_dead_message_has_its_cause_and_its_headers() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, mut settle) = reader(&server, ReadOptions::new(&*queue)).await;
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue(&*queue));
    push.connect().await.unwrap();
    let message = Outgoing::new("7").header("customer", "17");
    push.put(&[(MessageId::new("seven"), message)]).await.unwrap();
    let pulled = take(&mut pull, 1, LONG).await;
    let dead = Disposition::Dead { cause: "no such customer".to_owned() };
    settle_all(&mut settle, &pulled, dead.clone()).await;
    settle_all(&mut settle, &pulled, dead).await;
    let (mut dead, _settle) = reader(&server, ReadOptions::new(format!("{queue}.dead"))).await;
    let letters = take(&mut dead, 9, LONG).await;
    assert_eq!(numbers(&letters), expected(&[(7, 1)]));
    let headers = letters[0].message.properties.headers().clone().unwrap();
    let text = |name: &str| headers.inner().get(name).cloned();
    assert_eq!(text("x-stage-cause"), Some(AMQPValue::LongString("no such customer".into())));
    assert_eq!(text("customer"), Some(AMQPValue::LongString("17".into())));
    assert_eq!(letters[0].message.properties.message_id().as_ref().unwrap().as_str(), "seven");
    assert!(take(&mut dead, 9, SHORT).await.is_empty());
}

#[tokio::test]
async fn a_dropped_reader_releases_the_messages_that_it_did_not_return() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut first, _settle) = reader(&server, ReadOptions::new(&*queue)).await;
    assert!(tokio::time::timeout(SHORT, take(&mut first, 3, LONG)).await.is_err());
    publish(&server, &queue, 0..3).await;
    let returned = take(&mut first, 1, LONG).await;
    assert_eq!(returned.len(), 1);
    drop(first);
    // The receipts of the dropped reader keep its channel open.
    let (mut second, _settle) = reader(&server, ReadOptions::new(&*queue)).await;
    let mut rest = Vec::new();
    while rest.len() < 2 {
        let taken = take(&mut second, 9, LONG).await;
        assert!(!taken.is_empty(), "a message is lost");
        rest.extend(numbers(&taken).into_iter().map(|(number, _)| number));
    }
    rest.sort_unstable();
    assert_eq!(rest, ["1", "2"]);
}

#[tokio::test]
async fn a_full_queue_is_asked_again_and_stores_no_message_twice() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (_connection, channel) = server.channel().await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(3));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), durable, arguments).await.unwrap();
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue(&*queue).window(1));
    push.connect().await.unwrap();
    let messages = messages(0..20);
    let mut stored = 0;
    let full = loop {
        match push.put(&messages[stored..]).await {
            Ok(count) => stored += count,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, PutError::Full { .. }), "{full}");
    assert!(stored >= 3, "{stored} of 3 messages were stored");
    let (mut pull, mut settle) = reader(&server, ReadOptions::new(&*queue)).await;
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let pulled = take(&mut pull, 20, SHORT).await;
        settle_all(&mut settle, &pulled, Disposition::Accept).await;
        seen.extend(numbers(&pulled));
        match push.put(&messages[stored..]).await {
            Ok(count) => stored += count,
            Err(error) => assert!(matches!(error, PutError::Full { .. }), "{error}"),
        }
    }
    let all: Vec<_> = (0..20).map(|number| (number, 1)).collect();
    assert_eq!(seen, expected(&all));
}

#[tokio::test]
async fn a_message_that_no_queue_takes_is_refused_with_its_place() {
    let Some(server) = RabbitServer::shared() else { return };
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_exchange("amq.direct", "nowhere"));
    push.connect().await.unwrap();
    let refused = push.put(&messages(0..1)).await.unwrap_err();
    assert!(
        matches!(&refused, PutError::Refused { index: 0, cause } if cause.contains("NO_ROUTE")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_pipeline_copies_a_queue() {
    let Some(server) = RabbitServer::shared() else { return };
    let (from, to) = (new_queue(), new_queue());
    let (mut pull, _settle) = reader(&server, ReadOptions::new(&*to)).await;
    drop(reader(&server, ReadOptions::new(&*from)).await);
    publish(&server, &from, 0..300).await;
    let (input, output) = (server.server(), server.server());
    let (source_of, target) = (from.clone(), to.clone());
    let pipeline = Pipeline::builder("copy")
        .start("from", move || {
            Ok(source::pulled(
                RabbitPull::new(input.clone(), ReadOptions::new(&*source_of)),
                PullOptions::new(),
            ))
        })
        .acknowledged()
        .step_fn("copy", |message: RabbitMessage| Outgoing::new(message.payload))
        .finish("to", move || {
            let push = RabbitPush::new(output.clone(), PublishOptions::to_queue(&*target));
            Ok(sink::pushed(push, PushOptions::new()))
        });
    let running = pipeline.start().await.unwrap();
    let mut copied = Vec::new();
    while copied.len() < 300 {
        let pulled = take(&mut pull, 300 - copied.len(), LONG).await;
        assert!(!pulled.is_empty(), "only {} of 300 messages were copied", copied.len());
        copied.extend(pulled);
    }
    running.drain(LONG).await.unwrap();
    let counts = server.counts(&from);
    assert_eq!((counts.ready, counts.in_flight), (0, 0));
    let all: Vec<_> = (0..300).map(|number| (number, 1)).collect();
    assert_eq!(numbers(&copied), expected(&all));
}

fn assert_fatal(error: &ConnectError, part: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{line}");
    assert!(line.contains(part) && !line.contains("hunter2") && line.lines().count() == 1, "{line}");
}

#[tokio::test]
async fn errors_name_the_server_and_the_remedy_and_no_secret() {
    let Some(server) = RabbitServer::shared() else { return };
    let options = || ReadOptions::new("orders");
    let wrong = server.server().credentials("joe", "hunter2");
    let error = RabbitPull::new(wrong, options()).connect().await.unwrap_err();
    assert_fatal(&error, "check the user name, the password and the permissions");
    let nowhere = Server::new(&format!("{}/nowhere", server.url())).unwrap();
    let error = RabbitPull::new(nowhere, options()).connect().await.unwrap_err();
    assert_fatal(&error, "check the virtual host");
    let push = |options| RabbitPush::new(server.server(), options);
    let error = push(PublishOptions::to_queue("nowhere")).connect().await.unwrap_err();
    assert_fatal(&error, "queue `nowhere`: there is no such queue; create it");
    let error = push(PublishOptions::to_exchange("nowhere", "x")).connect().await.unwrap_err();
    assert_fatal(&error, "exchange `nowhere`: there is no such exchange; create it");
    let long = ReadOptions::new("x".repeat(300));
    let error = RabbitPull::new(server.server(), long).connect().await.unwrap_err();
    assert_fatal(&error, "a name has 300 bytes, of at most 255; choose a shorter name");
    drop(Arc::clone(&server));
}

#[tokio::test]
async fn a_server_that_is_away_is_a_transient_error() {
    let nobody = Server::new("amqp://127.0.0.1:1").unwrap();
    let error = RabbitPull::new(nobody, ReadOptions::new("orders")).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gone);
    assert!(error.to_string().starts_with("amqp://127.0.0.1:1 queue `orders`: cannot connect: "), "{error}");
}

#[tokio::test]
async fn a_trusted_server_is_reached_encrypted_by_a_client_that_it_knows() {
    let Some(server) = RabbitServer::shared() else { return };
    let Some(tls) = server.tls() else { return };
    let (queue, (certificate, key)) = (new_queue(), tls.client());
    let known = tls.server().root_certificates(tls.root()).client_certificate(certificate, key);
    let (mut pull, mut settle) = opened(RabbitPull::new(known.clone(), ReadOptions::new(&*queue))).await;
    let mut push = RabbitPush::new(known.clone(), PublishOptions::to_queue(&*queue));
    push.connect().await.unwrap();
    put_all(&mut push, &messages(0..1)).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(numbers(&pulled), expected(&[(0, 1)]));
    settle_all(&mut settle, &pulled, Disposition::Accept).await;
    assert_eq!(server.counts(&queue), Counts::default());
    let stranger = known.credentials("joe", "hunter2");
    let error = RabbitPull::new(stranger, ReadOptions::new(&*queue)).connect().await.unwrap_err();
    assert_fatal(&error, "check the user name, the password and the permissions");
}

#[tokio::test]
async fn neither_side_accepts_a_certificate_of_another_authority() {
    let Some(server) = RabbitServer::shared() else { return };
    let Some(tls) = server.tls() else { return };
    let folder = tempfile::tempdir().unwrap();
    let other = Authority::create(folder.path()).unwrap();
    let (strange, strange_key) = texts(&other.certify("client"));
    let (certificate, key) = tls.client();
    let trusting = tls.server().root_certificates(tls.root());
    let of_other = std::fs::read_to_string(&other.certificate).unwrap();
    let cases = [
        ("the system does not know the authority", tls.server().client_certificate(&*certificate, &*key)),
        (
            "another authority is trusted",
            tls.server().root_certificates(of_other).client_certificate(&*certificate, &*key),
        ),
        ("the client has no certificate", trusting.clone()),
        ("the client has a strange one", trusting.clone().client_certificate(strange, &*strange_key)),
        ("the key belongs to another one", trusting.clone().client_certificate(&*certificate, strange_key)),
        ("the key is none", trusting.client_certificate(certificate, "hunter2")),
    ];
    for (case, server) in cases {
        let name = server.name().to_owned();
        let mut pull = RabbitPull::new(server, ReadOptions::new("orders"));
        let mut error = pull.connect().await.unwrap_err();
        // A server that refuses a client closes the connection, at times before the client has read the reason.
        for _ in 0..100 {
            if error.kind() != ErrorKind::Gone || !case.starts_with("the client") {
                break;
            }
            error = pull.connect().await.unwrap_err();
        }
        let line = error.to_string();
        assert!(line.starts_with(&name), "{case}: {line}");
        assert_fatal(&error, "cannot connect: ");
        let remedy =
            "; check the certificates of `Server::root_certificates` and `Server::client_certificate`";
        assert!(line.ends_with(remedy), "{case}: {line}");
    }
}

#[tokio::test]
async fn a_port_that_does_not_encrypt_is_a_wrong_one() {
    let Some(server) = RabbitServer::shared() else { return };
    let encrypted = Server::new(&server.url().replace("amqp://", "amqps://")).unwrap();
    let error = RabbitPull::new(encrypted, ReadOptions::new("orders")).connect().await.unwrap_err();
    assert_fatal(&error, "; check the port, or write amqp://, since the server does not encrypt");
}

#[tokio::test]
async fn the_trace_of_a_message_arrives() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, _settle) = reader(&server, ReadOptions::new(&*queue)).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut message = Outgoing::new("1").header("traceparent", "old");
    RabbitPush::set_header(&mut message, "traceparent", trace);
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue(&*queue));
    push.connect().await.unwrap();
    put_all(&mut push, &[(MessageId::new("one"), message)]).await;
    let pulled = take(&mut pull, 1, LONG).await;
    assert_eq!(RabbitPull::header(&pulled[0].message, "traceparent").as_deref(), Some(trace));
    assert_eq!(RabbitPull::header(&pulled[0].message, "tracestate"), None);
}
