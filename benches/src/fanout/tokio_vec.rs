//! Fan-out with tokio and batches: a channel of `Vec`s to each consumer.

use std::hint::black_box;

use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

use super::kind::{BATCH, CONSUMERS, Kind};

/// Returns the number of events of each consumer, and their sum.
pub(super) async fn run(kind: Kind, events: u64) -> Vec<(u64, u64)> {
    // One batch queued and one in hand, as the demand allows.
    let (to, from): (Vec<_>, Vec<_>) = (0..CONSUMERS).map(|_| channel(1)).unzip();
    let sinks: Vec<_> = from.into_iter().map(|batches| tokio::spawn(sum(batches))).collect();
    tokio::spawn(async move {
        match kind {
            Kind::Demand => demand(&to, events).await,
            Kind::Broadcast => broadcast(&to, events).await,
            Kind::Partition => partition(&to, events).await,
        }
    });
    let mut sums = Vec::with_capacity(CONSUMERS);
    for sink in sinks {
        sums.push(sink.await.expect("a sink ends by itself"));
    }
    sums
}

fn batches(events: u64) -> impl Iterator<Item = Vec<u64>> {
    let batch = BATCH as u64;
    (0..events.div_ceil(batch)).map(move |place| (place * batch..events.min((place + 1) * batch)).collect())
}

/// Sends to a consumer with room, starting after the previous one; if none has room, waits for the next in
/// turn.
async fn demand(to: &[Sender<Vec<u64>>], events: u64) {
    let mut turn = 0;
    for batch in batches(events) {
        let mut left = Some(batch);
        for further in 0..CONSUMERS {
            let Some(batch) = left.take() else { break };
            let place = (turn + further) % CONSUMERS;
            match to[place].try_send(batch) {
                Ok(()) => turn = place + 1,
                Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => left = Some(batch),
            }
        }
        if let Some(batch) = left {
            let place = turn % CONSUMERS;
            turn = place + 1;
            if to[place].send(batch).await.is_err() {
                return;
            }
        }
    }
}

async fn broadcast(to: &[Sender<Vec<u64>>], events: u64) {
    for batch in batches(events) {
        for consumer in &to[1..] {
            if consumer.send(batch.clone()).await.is_err() {
                return;
            }
        }
        if to[0].send(batch).await.is_err() {
            return;
        }
    }
}

async fn partition(to: &[Sender<Vec<u64>>], events: u64) {
    let mut open: Vec<Vec<u64>> = to.iter().map(|_| Vec::with_capacity(BATCH)).collect();
    for x in 0..events {
        #[allow(clippy::cast_possible_truncation, reason = "below four")]
        let place = (x % CONSUMERS as u64) as usize;
        open[place].push(x);
        if open[place].len() == BATCH {
            let full = std::mem::replace(&mut open[place], Vec::with_capacity(BATCH));
            if to[place].send(full).await.is_err() {
                return;
            }
        }
    }
    for (consumer, rest) in to.iter().zip(open) {
        // A consumer that is gone has failed; its task is joined later.
        consumer.send(rest).await.unwrap_or_default();
    }
}

async fn sum(mut batches: Receiver<Vec<u64>>) -> (u64, u64) {
    let (mut count, mut sum) = (0, 0_u64);
    while let Some(batch) = batches.recv().await {
        count += batch.len() as u64;
        sum = black_box(&batch).iter().fold(sum, |sum, x| sum.wrapping_add(*x));
    }
    (count, sum)
}
