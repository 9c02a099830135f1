//! The laws of connectors on the queue.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod kit;

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use kit::Postgres;
use stage_connect::laws::by_hand::put_all;
use stage_connect::laws::{Counts, LawServer};
use stage_connect::{MessageId, Push};
use stage_edge::{Edge, EdgeSpec, Partition};
use stage_postgres::edge::{PostgresEdge, PostgresInlet};
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

/// A server with an empty pool.
struct Pool {
    queue: QueueServer,
    /// The handle of the queue that the frames are in.
    lane: Queue,
}

fn spec() -> EdgeSpec {
    EdgeSpec::new("law", "numbers").ack_wait(Duration::from_secs(3)).frames_kept(1_000_000)
}

impl LawServer for Pool {
    type Pull = PostgresInlet;

    async fn start() -> Option<Self> {
        let queue = QueueServer::start().await?;
        PostgresEdge::new(queue.queue.clone()).setup().await.unwrap();
        let lane = Queue::new(queue.server.server(), options().lane("law.numbers")).unwrap();
        Some(Self { queue, lane })
    }

    /// Clients of one edge share their connections.
    fn clients(&self) -> impl Fn() -> PostgresInlet + Send + 'static {
        let edge = PostgresEdge::new(Queue::new(self.queue.server.server(), options()).unwrap());
        move || edge.pool(&spec())
    }

    fn number(message: &Bytes) -> u64 {
        u64::from_be_bytes(message[..].try_into().unwrap())
    }

    async fn publish(&mut self, numbers: Range<u64>) {
        let mut outlet = PostgresEdge::new(self.queue.queue.clone()).outlet(&spec(), Partition(0));
        let frame =
            |number: u64| (MessageId::new(number.to_string()), Bytes::copy_from_slice(&number.to_be_bytes()));
        outlet.connect().await.unwrap();
        put_all(&mut outlet, &numbers.map(frame).collect::<Vec<_>>()).await;
    }

    async fn counts(&mut self) -> Counts {
        let counts = self.lane.counts().await.unwrap();
        Counts { ready: counts.waiting, in_flight: counts.leased, dead: counts.dead }
    }

    async fn break_connections(&mut self) {
        self.queue.break_connections().await;
    }

    async fn stop(&mut self) {
        self.queue.stop().await;
    }

    async fn restart(&mut self) {
        self.queue.restart().await;
    }
}

mod pool {
    stage_connect::laws!(super::Pool);
}
