//! Processes that are killed while the file grows and rotates.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use stage_connect::laws::Scale;
use stage_connect::laws::crashes::{Worker, client_of_test, every_message_is_handled_through_crashes};
use stage_connect::{PullOptions, source};
use stage_core::{Backoff, Pipeline, StepOptions};
use stage_files::Follow;

use crate::support::Log;

const PAUSE: Duration = Duration::from_millis(10);

/// Not a test: the process that is killed.
#[tokio::test]
async fn worker() {
    let Some(worker) = Worker::from_env() else { return };
    let variable = |name: &str| std::env::var_os(format!("WORKER_{name}")).unwrap();
    let (path, checkpoint) = (variable("PATH"), variable("CHECKPOINT"));
    // A small window, so that a kill repeats few lines however slow the disk is.
    let follow = Follow::new(path, checkpoint).poll_every(PAUSE).window(50);
    let options = PullOptions::new().reconnect(Backoff::new(PAUSE, PAUSE));
    let pipeline = Pipeline::builder("worker")
        .start("lines", move || Ok(source::pulled(follow.pull(), options)))
        .acknowledged()
        .finish_fn(StepOptions::named("handle").max_demand(20), move |line: stage_files::Line| {
            worker.handled(line.text().unwrap().parse().unwrap());
        });
    pipeline.start().await.unwrap().join().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_handled_while_processes_are_killed_and_the_file_rotates() {
    let log = Log::new("");
    // From now on there is a checkpoint: without one, the first process would begin with the file that has the name by then.
    log.open().await.has_no_more().await;
    let handled = tempfile::NamedTempFile::new().unwrap();
    let client = || {
        let mut command = client_of_test("killed::worker");
        command.env("WORKER_PATH", &log.path).env("WORKER_CHECKPOINT", &log.checkpoint);
        command
    };
    let scale = Scale::from_env().without_server_kills();
    let (path, mut number) = (log.path.clone(), 0);
    let writer = std::thread::spawn(move || {
        // Five files in the end, four of them rotated.
        for rotation in 1..=5 {
            let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
            for _ in 0..scale.messages / 5 {
                writeln!(file, "{number}").unwrap();
                number += 1;
            }
            if rotation < 5 {
                std::fs::rename(&path, path.with_file_name(format!("app.log.{rotation}"))).unwrap();
            }
        }
    });
    let report = every_message_is_handled_through_crashes(scale, handled.path(), client, async || {}).await;
    report.expect_explained(1_000, 0);
    writer.join().unwrap();
}
