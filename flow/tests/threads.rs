//! Tests that flows ended at random on their own threads leave no thread, stage or channel. A separate
//! program: threads are counted for the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use flow::{Flow, Workers};
use futures_util::StreamExt;
use tokio::time::timeout;

/// Returns the number of flows; `FLOW_KILLS` overrides it.
fn kills() -> u64 {
    std::env::var("FLOW_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(200)
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Runs a flow whose closures and events all hold `alive`, and ends it in one of four ways.
async fn run(number: u64, alive: &Arc<()>) {
    let bad = if number % 4 == 1 { number % 500 } else { u64::MAX };
    let (held, kept) = (Arc::clone(alive), Arc::clone(alive));
    let flow = Flow::from_items(0..if number.is_multiple_of(4) { 1_000 } else { u64::MAX })
        .map(move |event| {
            assert_ne!(event, bad, "a bad event");
            (event, Arc::clone(&held))
        })
        .partition(|(event, _)| event % 7)
        .filter(move |_| Arc::strong_count(&kept) > 0);
    let mut events = flow.stream_on(Workers::Own).await.unwrap();
    match number % 4 {
        // Run to the end, or to the panic.
        0 => while let Some(Ok(_)) = events.next().await {},
        1 => assert!(events.by_ref().any(async |event| event.is_err()).await),
        // Drop the stream after some events.
        2 => {
            for _ in 0..number % 60 {
                assert!(events.next().await.unwrap().is_ok());
            }
        }
        // Abort the task that takes the events.
        _ => {
            let taking = tokio::spawn(async move { while let Some(Ok(_)) = events.next().await {} });
            tokio::task::yield_now().await;
            taking.abort();
        }
    }
}

#[tokio::test]
async fn ended_flows_leave_no_thread_and_hold_no_value() {
    let alive = Arc::new(());
    run(0, &alive).await;
    let before = threads();
    for number in 0..kills() {
        run(number, &alive).await;
    }
    let all_let_go = async {
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    };
    let held = timeout(Duration::from_mins(1), all_let_go).await;
    assert!(held.is_ok(), "{} events or closures of ended flows are held", Arc::strong_count(&alive) - 1);
    assert_eq!(threads(), before);
}
