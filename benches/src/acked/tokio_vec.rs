//! How would a tokio user write it? Tasks and channels of `Vec`s; each step changes the one it owns.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{STEPS, Work};

/// As many events as ours in a batch; one is queued and one in hand, as the demand of 1000/500 allows.
const BATCH: u64 = 500;
const QUEUED: usize = 1;

/// Sends `events` events through the steps and gives the sink's sum.
pub(super) async fn run(work: Work, events: u64) -> u64 {
    let (batches, mut end) = channel(QUEUED);
    tokio::spawn(count(batches, events));
    for _ in 0..STEPS {
        let (next, stepped) = channel(QUEUED);
        tokio::spawn(step(work, end, next));
        end = stepped;
    }
    tokio::spawn(sum(end)).await.expect("the sink ends by itself")
}

async fn count(next: Sender<Vec<u64>>, events: u64) {
    let mut first = 0;
    while first < events {
        let end = events.min(first + BATCH);
        if next.send((first..end).collect()).await.is_err() {
            return;
        }
        first = end;
    }
}

async fn step(work: Work, mut batches: Receiver<Vec<u64>>, next: Sender<Vec<u64>>) {
    while let Some(mut batch) = batches.recv().await {
        for event in &mut batch {
            *event = work.on(*event);
        }
        if next.send(batch).await.is_err() {
            return;
        }
    }
}

async fn sum(mut batches: Receiver<Vec<u64>>) -> u64 {
    let mut sum = 0;
    while let Some(batch) = batches.recv().await {
        sum += batch.iter().sum::<u64>();
    }
    sum
}
