//! Laws of demand: the number of messages that are pulled, drains and leases.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::bench::{Bench, is_empty, options, until};
use super::scale::Scale;
use super::server::{Clock, LawServer};
use crate::pull::Pull;
use crate::settle::Settle;

/// While a handler is busy, no more messages are delivered than it asked for: none is fetched in advance.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn no_more_is_pulled_than_was_asked_for<S: LawServer>(mut server: S) {
    server.publish(0..40).await;
    let mut bench = Bench::start(&server, options(), 4).await;
    let held = bench.next().await;
    until(&mut server, "the messages that were asked for are delivered", |counts| counts.ready <= 36).await;
    for _ in 0..10 {
        let counts = server.counts().await;
        assert!(counts.ready >= 36, "4 of 40 messages were asked for, but the server has {counts:?}");
        sleep(Duration::from_millis(50)).await;
    }
    held.accept();
    bench.accept_all(1..40).await;
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}

/// A slow handler slows the source: at no time is more delivered than handled and asked for.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_slow_sink_holds_up_the_server<S: LawServer>(mut server: S) {
    server.publish(0..30).await;
    let mut bench = Bench::start(&server, options(), 4).await;
    for handled in 0..30 {
        let question = bench.next().await;
        sleep(Duration::from_millis(10)).await;
        let counts = server.counts().await;
        assert!(
            30 - counts.ready <= handled + 4,
            "{handled} of 30 messages are handled and 4 more were asked for, but the server has {counts:?}"
        );
        question.accept();
    }
    until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}

/// A drain does not wait for a long poll.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_drain_ends_a_long_poll<S: LawServer>(mut server: S) {
    let limit = match S::CLOCK {
        Clock::Paused => Duration::from_secs(1),
        // A busy machine is slow, but not as slow as the poll is long.
        Clock::Real => Scale::from_env().drain.unwrap_or(Duration::from_secs(10)),
    };
    server.publish(0..1).await;
    let mut bench = Bench::start(&server, options().wait(Duration::from_secs(50)), 4).await;
    bench.next().await.accept();
    until(&mut server, "a handled message leaves the server", is_empty).await;
    let begun = Instant::now();
    bench.drain().await;
    let took = begun.elapsed();
    assert!(took < limit, "a drain during a poll of 50 s took {took:?}");
}

/// The lease of a message that is held for three times its length does not end; in a full run, nor after 2 minutes.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_long_pause_keeps_its_leases<S: LawServer>(mut server: S) {
    let lease = server.clients()().settle_half().lease().unwrap_or_default();
    let pause = Scale::from_env().pause.max(3 * lease);
    if pause.is_zero() {
        return;
    }
    server.publish(0..3).await;
    let mut bench = Bench::start(&server, options(), 4).await;
    let held = bench.next().await;
    sleep(pause).await;
    held.accept();
    let mut repeated = bench.accept_all(1..3).await;
    repeated += bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    assert_eq!(repeated, 0, "messages were delivered again although their handler held them");
    bench.drain().await;
}
