//! The file of handled events.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The file to which all workers append. Each line is `key number worker time`, or `take` where a worker took a partition.
#[derive(Clone, Debug)]
pub(super) struct Log {
    file: Arc<File>,
    worker: Arc<str>,
}

/// A line of the file.
pub(super) enum Line {
    Taken,
    Handled { key: u32, number: u32, worker: String, at: Duration },
}

impl Log {
    pub(super) fn open(file: &Path, worker: &str) -> Self {
        let file = OpenOptions::new().append(true).open(file).unwrap();
        Self { file: Arc::new(file), worker: worker.into() }
    }

    /// Notes an event, given as `key number`.
    pub(super) fn handled(&self, event: &str) -> io::Result<()> {
        let line = format!("{event} {} {}\n", self.worker, now().as_micros());
        (&*self.file).write_all(line.as_bytes())
    }

    pub(super) fn taken(&self) {
        (&*self.file).write_all(b"take\n").unwrap();
    }
}

impl Line {
    pub(super) fn read(line: &str) -> Option<Self> {
        if line == "take\n" {
            return Some(Self::Taken);
        }
        let mut words = line.split_whitespace();
        let (key, number) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (worker, at) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        Some(Self::Handled { key, number, worker, at: Duration::from_micros(at) })
    }
}

/// The time by the clock that all processes share.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
