//! Killed clients: every job is done. There is no server to kill: a client that is killed amid a transaction is one.

use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{PullOptions, source};
use stage_core::{Pipeline, StepOptions};
use stage_sqlite::{Job, NewJob, Queue, QueueOptions, Synchronous};

async fn queue(path: &std::path::Path) -> Queue {
    let options = QueueOptions::new()
        .visibility(Duration::from_secs(4))
        .poll(Duration::from_millis(20))
        .synchronous(Synchronous::Normal);
    Queue::open(path, options).await.unwrap()
}

/// The client that is killed: a second process of this test program.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    let queue = queue(std::env::var("WORKER_FILE").unwrap().as_ref()).await;
    let pipeline = Pipeline::builder("work")
        .start("jobs", move || Ok(source::pulled(queue.pull(), PullOptions::new())))
        .acknowledged()
        .finish_fn(StepOptions::named("do").max_demand(20), move |job: Job| {
            worker.handled(String::from_utf8_lossy(&job.payload).parse().unwrap());
        });
    pipeline.start().await.unwrap().join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_done_while_clients_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    let scale = Scale::from_env().without_server_kills();
    let queue = queue(&file).await;
    for batch in (0..scale.messages).step_by(1000) {
        let numbers = batch..scale.messages.min(batch + 1000);
        queue.enqueue(numbers.map(|number| NewJob::new(number.to_string()))).await.unwrap();
    }
    let log = tempfile::NamedTempFile::new().unwrap();
    let client = || {
        let mut command = client_of_test("crashes::worker");
        command.env("WORKER_FILE", &file);
        command
    };
    let report = every_message_is_handled_through_crashes(scale, log.path(), client, async || {}).await;
    report.expect_explained(1_000, 0);
}
