//! A queue that survives a crash: jobs in an SQLite file, each removed once it has been handled.
//!
//! ```text
//!   queue ── leases the next job ──▶ source ══▶ work ── acknowledged ──▶ queue
//! ```
//!
//! The first worker process is killed in the middle of a job. When its lease expires, a second process
//! receives the leased job: every job is handled at least once. All jobs have the same key, so each waits for
//! the previous one.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, abort};
use std::time::Duration;

use stage_core::{BoxError, pipeline};
use stage_sqlite::{Job, NewJob, Queue, QueueError, QueueOptions};

/// Opens the queue in this file. A service would keep the default lease of 30 seconds.
async fn queue(file: &Path) -> Result<Queue, QueueError> {
    Queue::open(file, QueueOptions::new().visibility(Duration::from_millis(250))).await
}

pipeline! {
    /// Works through all jobs of the queue, unless one is fatal.
    Work(queue: Queue, fatal: Option<&'static str>) {
        acknowledged,

        start  queue.source().until_empty();
        finish |job| handle(&job, fatal), name: "work";
    }
}

/// Prints the job, or kills the process.
fn handle(job: &Job, fatal: Option<&str>) {
    let what = String::from_utf8_lossy(&job.payload);
    println!("{what}");
    if fatal == Some(&what) {
        abort();
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Some(file) = std::env::args_os().nth(1) {
        Work::new(queue(file.as_ref()).await?, Some("job 6")).start().await?.join().await?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("jobs.db");
    let queue = queue(&file).await?;
    queue.enqueue((1..=12).map(|number| NewJob::new(format!("job {number}")).key("all"))).await?;
    let first = Command::new(std::env::current_exe()?).arg(&file).status()?;
    println!(
        "the first process was killed: {}; {} jobs are left",
        !first.success(),
        queue.counts().await?.all()
    );
    let report = Work::new(queue.clone(), None).start().await?.join().await?;
    println!("the second did {}; {} are left", report.settlement.acknowledged, queue.counts().await?.all());
    Ok(())
}
