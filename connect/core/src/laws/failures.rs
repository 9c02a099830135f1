//! Laws of failures: attempts, dead messages, and messages without an attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::{Bench, is_empty, options, until};
use super::server::LawServer;
use crate::acks::Acks;
use crate::pull::Pull;

/// A message that fails is delivered again until it succeeds, as often as the options allow.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_failed_message_comes_back<S: LawServer>(mut server: S) {
    server.publish(0..1).await;
    let mut bench = Bench::start(&server, options().attempts(3), 4).await;
    bench.next().await.fail();
    bench.next().await.fail();
    bench.next().await.accept();
    until(&mut server, "a message that succeeds in its third attempt leaves the server", is_empty).await;
    if S::COUNTS_DEAD {
        assert_eq!(server.counts().await.dead, 0, "the message is dead before its attempts are used up");
    }
    bench.drain().await;
}

/// A message that fails in every attempt is dead after the last one, and holds up no other message.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_poisoned_message_is_set_aside<S: LawServer>(mut server: S) {
    server.publish(0..5).await;
    let mut bench = Bench::start(&server, options().attempts(3), 4).await;
    let (mut attempts, mut missing) = (0, BTreeSet::from([0, 2, 3, 4]));
    while attempts < 3 || !missing.is_empty() {
        let question = bench.next().await;
        if question.number == 1 {
            attempts += 1;
            assert!(attempts <= 3, "the message is delivered after its last attempt");
            question.fail();
        } else {
            missing.remove(&question.number);
            question.accept();
        }
    }
    let more = bench.accept_until(&mut server, "handled and dead messages leave the queue", is_empty).await;
    if <S::Pull as Pull>::ACKS == Acks::Each {
        assert_eq!(more, 0, "messages were delivered again");
    }
    if S::COUNTS_DEAD {
        until(&mut server, "one message is dead", |counts| counts.dead == 1).await;
    }
    bench.drain().await;
}

/// A message that was in hand or in a queue when its pipeline was stopped has made no attempt.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_stopped_message_is_not_counted<S: LawServer>(mut server: S) {
    server.publish(0..4).await;
    let mut bench = Bench::start(&server, options(), 4).await;
    let held = bench.next().await;
    // The callback that holds the event is cut off.
    bench.running.drain(Duration::ZERO).await.expect("the pipeline ends");
    drop(held);
    until(&mut server, "all messages are available again", |counts| counts.all() == 4).await;
    let mut bench = Bench::start(&server, options().attempts(2), 4).await;
    let (mut failed, mut missing) = (BTreeSet::new(), BTreeSet::from([0, 1, 2, 3]));
    while !missing.is_empty() {
        let question = bench.next().await;
        if !S::COUNTS_RELEASES && failed.insert(question.number) {
            question.fail();
        } else {
            missing.remove(&question.number);
            question.accept();
        }
    }
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    if S::COUNTS_DEAD {
        assert_eq!(server.counts().await.dead, 0, "a message without an attempt is dead");
    }
    bench.drain().await;
}
