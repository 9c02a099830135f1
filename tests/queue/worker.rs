//! A process that works on a queue and logs its actions: `queue-worker FILE NAME VISIBILITY PEERS`.
//!
//! It prints `ready`, waits for a line, and handles all jobs. It finishes no job before PEERS processes,
//! itself included, have begun one; if there are never that many, it holds its first job forever, and prints
//! `holding`. Without PEERS (0), it leases a job, never looks at it, and prints `leased`.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};
use stage_core::policy::{FailurePolicy, each};
use stage_core::{BoxError, Pipeline, StepOptions, Window};
use stage_sqlite::{Job, Queue, QueueOptions, Synchronous};

/// The log of this process, in the file of the queue.
struct Log {
    connection: Connection,
    name: String,
}

impl Log {
    fn open(file: &Path, name: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(20))?;
        Ok(Self { connection, name: name.to_owned() })
    }

    fn write(&self, job: &Job, what: &str) -> rusqlite::Result<()> {
        self.connection.execute(
            "INSERT INTO log (process, job, key, attempt, what, at)
             VALUES (?1, ?2, ?3, ?4, ?5, CAST(unixepoch('subsec') * 1000 AS INTEGER))",
            params![self.name, job.id.0, job.key, job.attempt, what],
        )?;
        Ok(())
    }

    fn processes(&self) -> rusqlite::Result<u32> {
        self.connection.query_row("SELECT count(DISTINCT process) FROM log", [], |row| row.get(0))
    }

    /// Returns the number of leases so far.
    fn leases(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT sum(leases) FROM jobs", [], |row| row.get(0))
    }
}

fn say(word: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{word}")?;
    out.flush()
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, name, visibility, peers] = &arguments[..] else {
        return Err("usage: queue-worker FILE NAME VISIBILITY PEERS".into());
    };
    let peers: u32 = peers.parse()?;
    let options = QueueOptions::new()
        .visibility(Duration::from_millis(visibility.parse()?))
        .poll(Duration::from_millis(5))
        .synchronous(Synchronous::Normal);
    let queue = Queue::open(file, options).await?;
    say("ready")?;
    io::stdin().lock().read_line(&mut String::new())?;
    if peers == 0 {
        return look_away(queue, Path::new(file), &Log::open(Path::new(file), name)?).await;
    }
    let (file, name) = (file.clone(), name.clone());
    let pipeline = Pipeline::builder("worker")
        .defaults(StepOptions::new().max_demand(4).min_demand(2))
        .start("queue", move || Ok(queue.source().until_empty()))
        .acknowledged()
        .finish_each("work", FailurePolicy::stop(), move || {
            let (file, name) = (file.clone(), name.clone());
            Ok(each(move |job| work(Path::new(&file).to_owned(), name.clone(), job, peers)))
        });
    pipeline.start().await?.join().await?;
    Ok(())
}

/// Returns the number of marks beside the file of the queue.
fn marks(file: &Path) -> io::Result<usize> {
    let mut marks = 0;
    for entry in std::fs::read_dir(file.parent().unwrap_or(Path::new(".")))? {
        marks += usize::from(entry?.file_name().to_string_lossy().contains("-begun-"));
    }
    Ok(marks)
}

/// Leases a job into a stream that is never read.
async fn look_away(queue: Queue, file: &Path, log: &Log) -> Result<(), BoxError> {
    let before = log.leases()?;
    let pipeline = Pipeline::builder("worker")
        .start("queue", move || Ok(queue.source()))
        .acknowledged()
        .deliveries()
        .open(Window::default());
    let (_running, mut unread) = pipeline.start().await?;
    unread.connect();
    // The mark of the lease that ran out is removed after the new lease is written: a process that is killed in
    // between leaves it behind.
    while log.leases()? == before || marks(file)? > 1 {
        tokio::task::yield_now().await;
    }
    say("leased")?;
    std::future::pending().await
}

async fn work(file: std::path::PathBuf, name: String, job: Job, peers: u32) -> Result<(), BoxError> {
    tokio::task::spawn_blocking(move || {
        let log = Log::open(&file, &name)?;
        log.write(&job, "begin")?;
        if log.processes()? < peers {
            say("holding")?;
        }
        while log.processes()? < peers {
            std::thread::yield_now();
        }
        log.write(&job, "end")?;
        Ok(())
    })
    .await?
}
