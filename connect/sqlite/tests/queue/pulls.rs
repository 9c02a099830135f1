//! The queue as a connector: the jobs of a pull that was dropped.

use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::FutureExt;
use stage_connect::{Pull, Settle};
use stage_sqlite::{NewJob, Queue, QueueOptions};
use tokio::task::yield_now;

const WAIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn jobs_of_a_dropped_pull_are_returned_by_the_next_one_or_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path().join("jobs.db"), QueueOptions::new()).await.unwrap();
    queue.enqueue((0..10_u8).map(|number| NewJob::new([number]))).await.unwrap();
    let counts = async || {
        let counts = queue.counts().await.unwrap();
        (counts.waiting, counts.leased)
    };
    let (two, ten) = (NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(10).unwrap());
    let mut client = queue.pull();
    let mut settle = client.settle_half();
    client.connect().await.unwrap();

    assert!(client.pull(ten, WAIT).now_or_never().is_none());
    let pulled = client.pull(two, WAIT).await.unwrap();
    let pulled: Vec<_> = pulled.iter().map(|pulled| (&pulled.message.payload[..], pulled.attempt)).collect();
    assert_eq!(pulled, [(&[0][..], 1), (&[1], 1)], "no more than was asked for");
    while counts().await != (8, 2) {
        yield_now().await;
    }

    assert!(client.pull(ten, WAIT).now_or_never().is_none());
    settle.finish().await.unwrap();
    assert_eq!(counts().await, (8, 2));
}
