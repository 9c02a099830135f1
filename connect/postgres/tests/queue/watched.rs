//! The numbers of jobs on a board.

use std::num::NonZeroUsize;
use std::time::Duration;

use stage_connect::Pull;
use stage_core::watch::{Board, JobCounts, openmetrics};
use stage_postgres::{NewJob, QueueOptions};

use crate::kit::Postgres;

#[tokio::test]
async fn a_board_shows_the_numbers_of_jobs_until_the_watch_is_dropped() {
    let Some(server) = Postgres::shared() else { return };
    let queue = server.queue(QueueOptions::new()).await;
    let keyed = |payload: &str| NewJob::new(payload).key("k");
    queue.enqueue([keyed("a"), keyed("b"), keyed("c"), NewJob::new("d"), NewJob::new("e")]).await.unwrap();
    let mut pull = queue.pull();
    let _settle = pull.settle_half();
    pull.connect().await.unwrap();
    let two = NonZeroUsize::new(2).unwrap();
    assert_eq!(pull.pull(two, Duration::from_secs(30)).await.unwrap().len(), 2);
    let board = Board::new();
    let watch = queue.watch(&board, "orders", Duration::ZERO).unwrap();
    assert!(queue.watch(&board, "orders", Duration::ZERO).is_err(), "the name is taken");
    let expected = JobCounts { ready: 1, blocked: 2, leased: 2, dead: 0 };
    while board.queues()[0].1 != expected {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut text = String::new();
    openmetrics(&board, &mut text);
    assert!(text.contains("stage_queue_jobs{queue=\"orders\",state=\"blocked\"} 2\n"), "{text}");
    drop(watch);
    assert!(board.queues().is_empty());
}
