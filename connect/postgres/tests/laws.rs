//! The laws of connectors on the queue.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod kit;

use std::ops::Range;
use std::time::Duration;

use kit::Postgres;
use stage_connect::laws::{Counts, LawServer};
use stage_postgres::{Job, NewJob, Queue, QueueOptions, QueuePull};

/// A server with an empty queue.
struct QueueServer {
    server: Postgres,
    /// The handle of the tests, with connections of its own.
    queue: Queue,
}

fn options() -> QueueOptions {
    QueueOptions::new().lease(Duration::from_secs(3)).poll(Duration::from_millis(50))
}

impl LawServer for QueueServer {
    type Pull = QueuePull;

    async fn start() -> Option<Self> {
        let server = Postgres::start()?;
        let queue = Queue::new(server.server(), options()).unwrap();
        queue.setup().await.unwrap();
        Some(Self { server, queue })
    }

    fn clients(&self) -> impl Fn() -> QueuePull + Send + 'static {
        let server = self.server.server();
        move || Queue::new(server.clone(), options()).unwrap().pull()
    }

    fn number(message: &Job) -> u64 {
        String::from_utf8_lossy(&message.payload).parse().unwrap()
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        self.queue.enqueue(numbers.map(|number| NewJob::new(number.to_string()))).await.unwrap();
    }

    async fn counts(&mut self) -> Counts {
        let counts = self.queue.counts().await.unwrap();
        Counts { ready: counts.waiting, in_flight: counts.leased, dead: counts.dead }
    }

    async fn break_connections(&mut self) {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stage-postgres'";
        self.server.client().await.execute(others, &[]).await.unwrap();
    }

    async fn stop(&mut self) {
        self.server.kill();
    }

    async fn restart(&mut self) {
        self.server.restart();
    }
}

stage_connect::laws!(QueueServer);
