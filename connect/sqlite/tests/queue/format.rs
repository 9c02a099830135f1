//! A file that an earlier version wrote, with a job in each state, is opened and continued.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use stage_core::Pipeline;
use stage_sqlite::{Queue, QueueOptions};

/// The mark of the job that the earlier process had in hand when it was killed.
const MARK: &str = "queue.db-begun-1fb3dfbf00000001-4-1";

/// Copies the files to `folder`.
fn earlier(folder: &Path) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    for file in ["queue.db", MARK] {
        fs::copy(from.join(file), folder.join(file)).unwrap();
    }
    folder.join("queue.db")
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_opened_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = earlier(folder.path());
    // The clock of a test machine may be behind that of the machine that wrote the file.
    let file = Connection::open(&path).unwrap();
    file.execute_batch("DELETE FROM jobs_clock; UPDATE jobs SET due = 1 WHERE due > 0").unwrap();
    drop(file);
    let queue = Queue::open(&path, QueueOptions::new().attempts(3)).await.unwrap();
    // The queue replaces an index of the earlier version, which each lease would have to change.
    let file = Connection::open(&path).unwrap();
    let mut indexes =
        file.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name").unwrap();
    let indexes = indexes.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let indexes: Vec<_> = indexes.map(Result::unwrap).collect();
    assert_eq!(indexes, ["jobs_free", "jobs_key", "jobs_leased"]);
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.waiting, counts.leased, counts.dead), (4, 1, 1));
    let dead = queue.dead(9).await.unwrap();
    let dead: Vec<_> = dead.iter().map(|job| (&job.payload[..], job.attempts, &job.cause[..])).collect();
    assert_eq!(dead, [(&b"hopeless"[..], 1, "no ink")]);

    let (source, seen) = (queue.clone(), Arc::new(Mutex::new(Vec::new())));
    let record = Arc::clone(&seen);
    let pipeline = Pipeline::builder("continue")
        .start("queue", move || Ok(source.source().until_empty()))
        .acknowledged()
        .finish_fn("record", move |job| {
            let payload = String::from_utf8(job.payload).unwrap();
            record.lock().unwrap().push((payload, job.attempt));
        });
    pipeline.start().await.unwrap().join().await.unwrap();
    // The killed process had made an attempt at `begun`, which failed with it; `fails` had failed before.
    let mut seen = seen.lock().unwrap().clone();
    let place = |payload: &str| seen.iter().position(|(other, _)| other == payload).unwrap();
    assert!(place("fails") < place("behind") && place("high") < place("low"), "{seen:?}");
    seen.sort();
    let expected = [("begun", 2), ("behind", 1), ("fails", 2), ("high", 1), ("low", 1)];
    assert_eq!(seen, expected.map(|(payload, attempt)| (payload.to_owned(), attempt)));
    assert!(!folder.path().join(MARK).exists());
}
