//! Killed clients and a killed server: every job is done.

use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{PullOptions, source};
use stage_core::{Backoff, Pipeline, StepOptions};
use stage_postgres::{Job, NewJob, Queue, QueueOptions, Server};

use crate::kit::Postgres;

fn queue(server: Server) -> Queue {
    let (lease, poll) = (Duration::from_secs(4), Duration::from_millis(20));
    Queue::new(server, QueueOptions::new().lease(lease).poll(poll)).unwrap()
}

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    let queue = queue(Server::new(&std::env::var("WORKER_URL").unwrap()).unwrap());
    let pause = Duration::from_millis(20);
    let quick = PullOptions::new().reconnect(Backoff::new(pause, 10 * pause));
    let pipeline = Pipeline::builder("work")
        .start("jobs", move || Ok(source::pulled(queue.pull(), quick)))
        .acknowledged()
        .finish_fn(StepOptions::named("do").max_demand(20), move |job: Job| {
            worker.handled(String::from_utf8_lossy(&job.payload).parse().unwrap());
        });
    pipeline.start().await.unwrap().join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_done_while_clients_and_the_server_are_killed() {
    let Some(server) = Postgres::start() else { return };
    let queue = queue(server.server());
    queue.setup().await.unwrap();
    let scale = Scale::from_env();
    for batch in (0..scale.messages).step_by(1000) {
        let numbers = batch..scale.messages.min(batch + 1000);
        queue.enqueue(numbers.map(|number| NewJob::new(number.to_string()))).await.unwrap();
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let client = || {
        let mut command = client_of_test("crashes::worker");
        command.env("WORKER_URL", server.address());
        command
    };
    let kill_and_restart = async || {
        server.kill();
        server.restart();
    };
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, kill_and_restart).await;
    report.expect_explained(1_000, 0);
}
