//! Laws of outages: servers and connections that go away.

use std::collections::BTreeSet;
use std::time::Duration;

use stage_core::watch::StageSnapshot;
use tokio::time::{sleep, timeout};

use super::bench::{Bench, is_empty, options};
use super::server::LawServer;

/// A pipeline outlives its server: it waits, says so, and goes on when the server is back.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn a_server_that_goes_away_is_awaited<S: LawServer>(mut server: S) {
    server.publish(0..5).await;
    let mut bench = Bench::start(&server, options(), 8).await;
    bench.next().await.accept();
    let held = bench.next().await;
    server.stop().await;
    // The verdict waits for the server, too.
    held.accept();
    let monitor = bench.running.monitor();
    let waits = || monitor.snapshot().stages.into_iter().find_map(|stage: StageSnapshot| stage.waiting_for);
    let said = timeout(Duration::from_secs(50), async {
        while waits().is_none() {
            sleep(Duration::from_millis(20)).await;
        }
        waits()
    });
    let said = said.await.expect("the source says that it waits for the server").unwrap_or_default();
    assert!(said.starts_with("the server "), "{said}");
    let stalls = bench.running.stalls(Duration::from_millis(100)).await;
    let stalls: Vec<_> = stalls.iter().map(ToString::to_string).collect();
    assert!(stalls.iter().any(|stall| stall.contains("waits for the server ")), "{stalls:?}");
    server.restart().await;
    server.publish(5..10).await;
    bench.accept_all(2..10).await;
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    let restarts: u64 = bench.running.stats().iter().map(|stage| stage.restarts).sum();
    assert_eq!(restarts, 0, "the source was restarted although it only had to wait");
    bench.drain().await;
}

/// Connections that break at any moment lose no message.
///
/// # Panics
///
/// If the connector violates the law.
pub async fn broken_connections_lose_nothing<S: LawServer>(mut server: S) {
    server.publish(0..40).await;
    let mut bench = Bench::start(&server, options(), 4).await;
    let mut missing: BTreeSet<u64> = (0..40).collect();
    for handled in 1.. {
        let question = bench.next().await;
        missing.remove(&question.number);
        if handled % 6 == 0 && handled <= 24 {
            server.break_connections().await;
        }
        question.accept();
        if missing.is_empty() {
            break;
        }
    }
    bench.accept_until(&mut server, "handled messages leave the server", is_empty).await;
    bench.drain().await;
}
