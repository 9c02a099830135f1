//! Laws of delivery: no message is lost, whatever happens to its client.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;

use super::bench::{Bench, is_empty, options, pull_some, until};
use super::server::LawServer;
use crate::pull::Pull;

/// Every message is handled once, in order, and leaves the server.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn every_message_is_handled_and_leaves_the_server<S: LawServer>(mut server: S) {
    server.publish(0..30).await;
    let mut bench = Bench::start(&server, options(), 8).await;
    for number in 0..30 {
        let question = bench.next().await;
        assert_eq!(question.number, number, "the messages come in the order of the server");
        question.accept();
    }
    until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}

/// The messages that a client held when it died are delivered to another one.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn messages_of_a_lost_client_come_back<S: LawServer>(mut server: S) {
    server.publish(0..10).await;
    let mut client = server.clients()();
    let settle = client.settle_half();
    client.connect().await.expect("the server accepts a connection");
    pull_some(&mut client, 3).await;
    drop((client, settle));
    let mut bench = Bench::start(&server, options(), 4).await;
    bench.accept_all(0..10).await;
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}

/// A pull that is dropped at any moment loses no message.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_dropped_pull_loses_nothing<S: LawServer>(mut server: S) {
    server.publish(0..10).await;
    let mut client = server.clients()();
    let settle = client.settle_half();
    let two = NonZeroUsize::MIN.saturating_add(1);
    for polls in 0..20 {
        client.connect().await.expect("the server accepts a connection");
        let mut pull = pin!(client.pull(two, Duration::from_secs(1)));
        for _ in 0..polls {
            // Returned messages stay unsettled, as with a client that dies.
            if poll_fn(|cx| Poll::Ready(pull.as_mut().poll(cx).is_ready())).await {
                break;
            }
            yield_now().await;
        }
    }
    drop((client, settle));
    let mut bench = Bench::start(&server, options(), 4).await;
    bench.accept_all(0..10).await;
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}
