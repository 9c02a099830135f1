//! Marks of the jobs that a handler has begun, which outlast a killed process.
//!
//! A handler looks at a job in ordinary code, which must not wait for a database that another process may
//! have locked. So a first look writes one byte to a small file beside the database: that needs no lock, and
//! the operating system keeps the byte if the process is killed. After a power cut it may be missing; then
//! the attempt does not count, and the job is not at fault either.
//!
//! A job has such a file from the transaction that leases it to a process that holds nothing else, until its
//! verdict is written or its lease has run out. Its name contains the lease, so a file that is left behind
//! (its process was killed between a verdict and the removal) never refers to another one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::job::Receipt;

/// The folder and the first part of the names of the marks.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// `None` for a database without a file, which does not outlast its process.
    database: Option<PathBuf>,
}

/// The mark of one lease, not set yet.
#[derive(Debug)]
pub(crate) struct Mark(File);

impl Marks {
    pub(crate) fn beside(connection: &Connection, path: &Path) -> Self {
        // SQLite knows the file behind links and URIs, but not names that are not UTF-8.
        let named = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { database: named.or_else(|| fs::canonicalize(path).ok()) }
    }

    fn path(&self, lessee: i64, receipt: Receipt) -> Option<PathBuf> {
        let mut name = OsString::from(self.database.as_ref()?);
        name.push(format!("-begun-{lessee:x}-{}-{}", receipt.id.0, receipt.lease));
        Some(name.into())
    }

    /// Creates the mark of this lease. Without it, the attempt does not count if the process is killed.
    pub(crate) fn create(&self, lessee: i64, receipt: Receipt) -> Option<Mark> {
        let path = self.path(lessee, receipt)?;
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => Some(Mark(file)),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, %path, "the start of a job cannot be recorded, so this attempt does not count if its process is killed");
                None
            }
        }
    }

    /// Returns whether a handler has looked at the job, as far as that is known.
    pub(crate) fn has_begun(&self, lessee: i64, receipt: Receipt) -> bool {
        let Some(path) = self.path(lessee, receipt) else { return false };
        fs::metadata(path).is_ok_and(|mark| mark.len() > 0)
    }

    /// Removes the mark of this lease, if there is one.
    pub(crate) fn remove(&self, lessee: i64, receipt: Receipt) {
        let Some(path) = self.path(lessee, receipt) else { return };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "a file of the queue that is no longer needed cannot be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

impl Mark {
    /// Records that a handler looks at the job.
    pub(crate) fn set(mut self) {
        if let Err(error) = self.0.write_all(b"1") {
            tracing::warn!(%error, "the start of a job cannot be recorded, so this attempt does not count if its process is killed");
        }
    }
}
