//! Latency with tokio: one task per stage, with bounded channels of single events between them.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Receiver, channel};

/// Returns the latency of each of `events` events.
pub(super) async fn run(steps: usize, events: u64) -> Vec<Duration> {
    let (ticket, mut tickets) = channel(1);
    let (first, mut end) = channel(1);
    tokio::spawn(async move {
        for number in 0..events {
            if tickets.recv().await.is_none() || first.send((number, Instant::now())).await.is_err() {
                return;
            }
        }
    });
    for _ in 0..steps {
        let (next, stepped) = channel(1);
        let mut taken: Receiver<(u64, Instant)> = std::mem::replace(&mut end, stepped);
        tokio::spawn(async move {
            while let Some((number, began)) = taken.recv().await {
                if next.send((number.wrapping_add(1), began)).await.is_err() {
                    return;
                }
            }
        });
    }
    let sink = tokio::spawn(async move {
        let mut times = Vec::with_capacity(usize::try_from(events).unwrap_or_default());
        // The source may be gone when the last ticket is returned.
        ticket.send(()).await.unwrap_or_default();
        while let Some((_, began)) = end.recv().await {
            times.push(began.elapsed());
            ticket.send(()).await.unwrap_or_default();
        }
        times
    });
    sink.await.expect("the sink ends by itself")
}
