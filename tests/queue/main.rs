//! The durable queue across processes: two that share a file, and one that is killed with jobs in hand.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use stage_sqlite::{NewJob, Queue, QueueOptions};
use tempfile::TempDir;

/// A process that works on the queue.
struct Worker {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Worker {
    fn new(file: &Path, name: &str, visibility: u32, peers: u32) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_queue-worker"))
            .arg(file)
            .args([name, &visibility.to_string(), &peers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self { child, says };
        worker.expect("ready");
        worker
    }

    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    }

    fn begin(&mut self) {
        writeln!(self.child.stdin.as_ref().unwrap(), "go").unwrap();
    }

    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line in the log of a process.
#[derive(Debug)]
struct Line {
    process: String,
    job: i64,
    key: Vec<u8>,
    attempt: u32,
    what: String,
    at: i64,
}

/// Creates a queue of `jobs` jobs, with `keys` keys in turn.
async fn filled(jobs: u8, keys: u8) -> (PathBuf, Queue, Connection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.db");
    let queue = Queue::open(&file, QueueOptions::new()).await.unwrap();
    queue.enqueue((0..jobs).map(|number| NewJob::new([number]).key([number % keys]))).await.unwrap();
    let connection = Connection::open(&file).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    let log = "CREATE TABLE log (seq INTEGER PRIMARY KEY, process, job, key, attempt, what, at)";
    connection.execute_batch(log).unwrap();
    (file, queue, connection, folder)
}

fn lines(connection: &Connection) -> Vec<Line> {
    let mut lines =
        connection.prepare("SELECT process, job, key, attempt, what, at FROM log ORDER BY seq").unwrap();
    let line = |row: &rusqlite::Row<'_>| {
        Ok(Line {
            process: row.get(0)?,
            job: row.get(1)?,
            key: row.get(2)?,
            attempt: row.get(3)?,
            what: row.get(4)?,
            at: row.get(5)?,
        })
    };
    let lines: Vec<_> = lines.query_map([], line).unwrap().collect::<Result<_, _>>().unwrap();
    lines
}

/// Checks that the jobs of one key began and ended one after the other, in order.
fn assert_in_order(lines: &[Line], key: u8) {
    let of_key: Vec<_> = lines.iter().filter(|line| line.key == [key]).collect();
    for pair in of_key.chunks(2) {
        assert_eq!((pair[0].what.as_str(), pair[1].what.as_str()), ("begin", "end"), "{pair:?}");
        assert_eq!(pair[0].job, pair[1].job);
    }
    assert!(of_key.iter().map(|line| line.job).is_sorted(), "{of_key:?}");
}

#[tokio::test]
async fn two_processes_share_a_queue_and_each_job_is_done_by_one_of_them() {
    let (file, queue, connection, _folder) = filled(120, 10).await;
    let mut workers = ["a", "b"].map(|name| Worker::new(&file, name, 60_000, 2));
    workers.iter_mut().for_each(Worker::begin);
    for worker in workers {
        worker.ends_well();
    }
    let lines = lines(&connection);
    let mut done: Vec<_> = lines.iter().filter(|line| line.what == "end").map(|line| line.job).collect();
    done.sort_unstable();
    assert_eq!(done, (1..=120).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.attempt == 1));
    for name in ["a", "b"] {
        assert!(lines.iter().any(|line| line.process == name), "{name} did nothing");
    }
    (0..10).for_each(|key| assert_in_order(&lines, key));
    assert_eq!(queue.counts().await.unwrap().all(), 0);
}

#[tokio::test]
async fn jobs_of_a_killed_process_are_redelivered_only_after_their_lease_ran_out() {
    const VISIBILITY: u32 = 300;
    let (file, queue, connection, _folder) = filled(6, 2).await;
    let mut first = Worker::new(&file, "first", VISIBILITY, 2);
    first.begin();
    first.expect("holding");
    let due = || {
        let due = "SELECT min(due) FROM jobs WHERE lessee IS NOT NULL";
        connection.query_row(due, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // The leases live twice their time, since a process holds the jobs.
    let (begun, patience) = (due(), Instant::now() + Duration::from_mins(1));
    while due() < begun + 2 * i64::from(VISIBILITY) {
        assert!(Instant::now() < patience, "the leases are not renewed");
        tokio::task::yield_now().await;
    }
    drop(first);
    let (run_out, held) = (due(), queue.counts().await.unwrap().leased);
    assert_eq!(held, 2, "the first job of each key");
    let mut second = Worker::new(&file, "second", VISIBILITY, 2);
    second.begin();
    second.ends_well();
    let by_second: Vec<_> = lines(&connection).into_iter().filter(|line| line.process == "second").collect();
    for line in &by_second {
        // Two jobs were leased together, so it is unknown which of them was tried.
        assert_eq!(line.attempt, 1, "{line:?}");
        assert!(line.at >= run_out, "{line:?} before {run_out}");
    }
    assert_eq!(by_second.len(), 12);
    (0..2).for_each(|key| assert_in_order(&by_second, key));
    assert_eq!(queue.counts().await.unwrap().all(), 0);
}

/// Returns the names of the files beside the database and its log.
fn marks(folder: &TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !["jobs.db", "jobs.db-wal", "jobs.db-shm"].contains(&name.as_str())).collect()
}

/// More than `QueueOptions::attempts` allows.
const KILLS: u32 = 7;

#[tokio::test]
async fn a_process_that_is_killed_between_the_lease_of_its_only_job_and_the_first_look_has_made_no_attempt() {
    let (file, queue, connection, folder) = filled(1, 1).await;
    for number in 0..KILLS {
        let mut worker = Worker::new(&file, &format!("killed {number}"), 100, 0);
        worker.begin();
        worker.expect("leased");
    }
    let mut last = Worker::new(&file, "last", 100, 1);
    last.begin();
    last.ends_well();
    let done: Vec<_> = lines(&connection).into_iter().map(|line| (line.what, line.attempt)).collect();
    assert_eq!(done, [("begin".to_owned(), 1), ("end".to_owned(), 1)]);
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.all(), counts.dead, marks(&folder)), (0, 0, Vec::new()));
}

#[tokio::test]
async fn a_job_whose_process_is_killed_each_time_while_a_handler_holds_it_is_dead_after_its_attempts() {
    const ATTEMPTS: u32 = 5;
    let (file, queue, connection, folder) = filled(1, 1).await;
    for number in 0..ATTEMPTS {
        let mut worker = Worker::new(&file, &format!("killed {number}"), 100, KILLS);
        worker.begin();
        worker.expect("holding");
    }
    let mut last = Worker::new(&file, "last", 100, 1);
    last.begin();
    last.ends_well();
    let begun: Vec<_> = lines(&connection).into_iter().map(|line| (line.what, line.attempt)).collect();
    assert_eq!(begun, (1..=ATTEMPTS).map(|attempt| ("begin".to_owned(), attempt)).collect::<Vec<_>>());
    let dead = queue.dead(usize::MAX).await.unwrap();
    assert_eq!(dead.iter().map(|job| job.attempts).collect::<Vec<_>>(), [ATTEMPTS]);
    assert_eq!((queue.counts().await.unwrap().all(), marks(&folder)), (0, Vec::new()));
}
