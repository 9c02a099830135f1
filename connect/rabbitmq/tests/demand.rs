//! What the server delivers, by its own count: never more than was asked for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ops::Range;
use std::time::Duration;

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use stage_connect::laws::by_hand::{opened, put_all, settle_all, take, take_all};
use stage_connect::{Disposition, MessageId, Pulled, Push};
use stage_rabbitmq::{
    Outgoing, PublishOptions, QueueKind, RabbitMessage, RabbitPull, RabbitPush, RabbitSettle, ReadOptions,
    Receipt,
};
use support::{RabbitServer, new_queue};
use tokio::time::{sleep, timeout};

/// Long enough for a busy machine: a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(100);
/// The time between two questions.
const BETWEEN: Duration = Duration::from_millis(10);

type Delivery = Pulled<RabbitMessage, Receipt>;

async fn reader(server: &RabbitServer, queue: &str, kind: QueueKind) -> (RabbitPull, RabbitSettle) {
    opened(RabbitPull::new(server.server(), ReadOptions::new(queue).kind(kind))).await
}

async fn publish(server: &RabbitServer, queue: &str, range: Range<u32>) {
    let message = |number: u32| (MessageId::new(number.to_string()), Outgoing::new(number.to_string()));
    let messages: Vec<_> = range.map(message).collect();
    let mut push = RabbitPush::new(server.server(), PublishOptions::to_queue(queue));
    push.connect().await.unwrap();
    put_all(&mut push, &messages).await;
}

fn numbers(pulled: &[Delivery]) -> Vec<u32> {
    let number = |pulled: &Delivery| std::str::from_utf8(&pulled.message.payload).unwrap().parse().unwrap();
    pulled.iter().map(number).collect()
}

/// Asks the server for the number of messages that it has not delivered.
async fn ready(channel: &Channel, queue: &str) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
}

/// Waits until the server has this number of messages that it has not delivered, then asks whether that remains so.
async fn stays(channel: &Channel, queue: &str, expected: u32) {
    let reached = async {
        while ready(channel, queue).await != expected {
            sleep(BETWEEN).await;
        }
    };
    let _ = timeout(LONG, reached).await;
    for _ in 0..10 {
        assert_eq!(ready(channel, queue).await, expected, "messages that are not delivered");
        sleep(BETWEEN).await;
    }
}

/// The end of a consumer that was filled is not answered. Whatever becomes of its messages, and however little is asked for
/// afterwards, no message takes the place of a settled one.
async fn nothing_is_delivered_for_what_is_settled(kind: QueueKind) {
    let Some(server) = RabbitServer::shared() else { return };
    let (queue, (_connection, channel)) = (new_queue(), server.channel().await);
    let (mut pull, mut settle) = reader(&server, &queue, kind).await;
    publish(&server, &queue, 0..40).await;
    stays(&channel, &queue, 40).await;

    let mut held = take_all(&mut pull, 10, LONG).await;
    stays(&channel, &queue, 30).await;
    let accepted: Vec<_> = held.drain(..4).collect();
    settle_all(&mut settle, &accepted, Disposition::Accept).await;
    stays(&channel, &queue, 30).await;

    // The demand falls from 10 to 3, and the messages of both calls are settled together.
    let mut fewer = take_all(&mut pull, 3, LONG).await;
    stays(&channel, &queue, 27).await;
    let both = [held.remove(0), fewer.remove(0)];
    settle_all(&mut settle, &both, Disposition::Accept).await;
    stays(&channel, &queue, 27).await;

    let dead = Disposition::Dead { cause: "no ink".to_owned() };
    let (again, later) = (Duration::ZERO, LONG * 100);
    let dispositions = [
        (Disposition::Accept, 26),
        (Disposition::Release, 26),
        (dead, 25),
        (Disposition::Retry { after: again }, 25),
        (Disposition::Retry { after: later }, 24),
    ];
    for (disposition, rest) in dispositions {
        let one = take_all(&mut pull, 1, LONG).await;
        settle_all(&mut settle, &one, disposition).await;
        stays(&channel, &queue, rest).await;
    }

    // The same while a call waits for more than the queue has.
    let all = take_all(&mut pull, 24, LONG).await;
    stays(&channel, &queue, 0).await;
    let mut waits = Box::pin(take(&mut pull, 2, LONG));
    assert!(timeout(SHORT, &mut waits).await.is_err());
    settle_all(&mut settle, &all, Disposition::Accept).await;
    publish(&server, &queue, 40..50).await;
    assert!(waits.await.len() <= 2);
    assert!(ready(&channel, &queue).await >= 8);
}

#[tokio::test]
async fn nothing_is_delivered_for_what_is_settled_in_a_classic_queue() {
    nothing_is_delivered_for_what_is_settled(QueueKind::Classic).await;
}

#[tokio::test]
async fn nothing_is_delivered_for_what_is_settled_in_a_quorum_queue() {
    nothing_is_delivered_for_what_is_settled(QueueKind::Quorum).await;
}

#[tokio::test]
async fn a_smaller_pull_after_a_dropped_one_asks_for_no_more_than_its_own() {
    let Some(server) = RabbitServer::shared() else { return };
    let (queue, (_connection, channel)) = (new_queue(), server.channel().await);
    let (mut pull, _settle) = reader(&server, &queue, QueueKind::Classic).await;
    assert!(timeout(SHORT, take(&mut pull, 9, LONG)).await.is_err());
    let published = async {
        publish(&server, &queue, 0..9).await;
        stays(&channel, &queue, 7).await;
    };
    let (two, ()) = tokio::join!(take(&mut pull, 2, LONG), published);
    assert_eq!(numbers(&two), [0, 1]);
}

async fn what_a_smaller_pull_does_not_return_is_released(kind: QueueKind) {
    let Some(server) = RabbitServer::shared() else { return };
    let (queue, (_connection, channel)) = (new_queue(), server.channel().await);
    let (mut pull, mut settle) = reader(&server, &queue, kind).await;
    assert!(timeout(SHORT, take(&mut pull, 9, LONG)).await.is_err());
    publish(&server, &queue, 0..9).await;
    stays(&channel, &queue, 0).await;
    let two = take(&mut pull, 2, LONG).await;
    assert_eq!(numbers(&two), [0, 1]);
    stays(&channel, &queue, 7).await;
    // The released messages are not settled with the others, and come again in their order.
    settle_all(&mut settle, &two, Disposition::Accept).await;
    stays(&channel, &queue, 7).await;
    let rest = take_all(&mut pull, 7, LONG).await;
    assert_eq!(numbers(&rest), [2, 3, 4, 5, 6, 7, 8]);
    settle_all(&mut settle, &rest, Disposition::Accept).await;
    assert_eq!(server.counts(&queue).all(), 0);
}

#[tokio::test]
async fn what_a_smaller_pull_after_a_dropped_one_does_not_return_is_released_in_a_classic_queue() {
    what_a_smaller_pull_does_not_return_is_released(QueueKind::Classic).await;
}

#[tokio::test]
async fn what_a_smaller_pull_after_a_dropped_one_does_not_return_is_released_in_a_quorum_queue() {
    what_a_smaller_pull_does_not_return_is_released(QueueKind::Quorum).await;
}

/// The consumer of the first pull is told to end, and the pull is dropped before the server has confirmed that.
#[tokio::test]
async fn a_pull_after_one_that_was_dropped_at_its_end_waits_for_its_own_time() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, _settle) = reader(&server, &queue, QueueKind::Classic).await;
    for wait in (0..20).map(Duration::from_millis) {
        let _ = timeout(wait, take(&mut pull, 2, Duration::ZERO)).await;
    }
    assert!(timeout(Duration::ZERO, take(&mut pull, 2, Duration::ZERO)).await.is_err());
    let published = async {
        sleep(SHORT).await;
        publish(&server, &queue, 0..1).await;
    };
    let (one, ()) = tokio::join!(take(&mut pull, 2, LONG), published);
    assert_eq!(numbers(&one), [0]);
}

#[tokio::test]
async fn a_pull_after_a_dropped_one_waits_for_its_own_time() {
    let Some(server) = RabbitServer::shared() else { return };
    let (mut pull, _settle) = reader(&server, &new_queue(), QueueKind::Classic).await;
    assert!(timeout(SHORT, take(&mut pull, 2, 10 * LONG)).await.is_err());
    assert!(timeout(LONG, take(&mut pull, 2, SHORT)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_beyond_the_delivery_limit_of_a_quorum_queue_is_a_dead_letter() {
    let Some(server) = RabbitServer::shared() else { return };
    let queue = new_queue();
    let (mut pull, mut settle) = reader(&server, &queue, QueueKind::Quorum).await;
    server.limit_deliveries(&queue, 2);
    publish(&server, &queue, 0..1).await;
    let mut calls = 0;
    while server.counts(&queue).dead == 0 {
        calls += 1;
        assert!(calls < 200, "neither delivered nor dead: {:?}", server.counts(&queue));
        let one = take(&mut pull, 1, SHORT).await;
        settle_all(&mut settle, &one, Disposition::Release).await;
    }
    assert_eq!(server.counts(&queue).all(), 0, "it is not in the queue any more");
}
