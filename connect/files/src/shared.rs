//! The state that both halves of the connector share.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, flock};
use stage_connect::ConnectError;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::checkpoint::{Checkpoint, beside};
use crate::follow::{Follow, folder_of};
use crate::progress::Progress;
use crate::tail::{Cut, Fault, Status, Tail};

/// A followed file. Its lock is held until both halves are gone, so that a restarted source begins behind what the last one
/// has handled.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) follow: Follow,
    /// Locked while the file is read.
    tail: Mutex<Option<Open>>,
    /// Locked for moments.
    progress: Mutex<Progress>,
    /// The checkpoint stored last; locked while one is stored.
    stored: Mutex<Option<Checkpoint>>,
    /// A line can be delivered again, or was settled.
    pub(crate) changed: Notify,
}

#[derive(Debug)]
struct Open {
    tail: Tail,
    /// Locked against other processes.
    _lock: File,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a directory in the place of a file: every attempt to read it would fail.
fn refuse_directories(follow: &Follow) -> Result<(), Fault> {
    if follow.path.is_dir() {
        let remedy = "follow a file in it, or read its files to their ends with `Flow::from_lines_of` of the crate `flow`";
        return Err(Fault::Fatal("it is a directory".to_owned(), remedy.to_owned()));
    }
    let others = [("checkpoint", Some(&follow.checkpoint)), ("file of dead letters", follow.dead.as_ref())];
    for (what, path) in others {
        if let Some(path) = path.filter(|path| path.is_dir()) {
            let wrong = format!("the {what} `{}` is a directory", path.display());
            return Err(Fault::Fatal(wrong, "name a file in it".to_owned()));
        }
    }
    Ok(())
}

impl Shared {
    pub(crate) fn new(follow: Follow) -> Arc<Self> {
        Arc::new(Self {
            follow,
            tail: Mutex::new(None),
            progress: Mutex::new(Progress::new()),
            stored: Mutex::new(None),
            changed: Notify::new(),
        })
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// Calls a function on a thread that may block. If the future is dropped, the function still ends.
    pub(crate) async fn on_thread<T: Send + 'static>(
        self: &Arc<Self>,
        what: &str,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, ConnectError> {
        let shared = Arc::clone(self);
        let name = self.follow.describe();
        match spawn_blocking(move || work(&shared)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Fault::Io(error))) => Err(ConnectError::gone(name, what, error)),
            Ok(Err(Fault::Fatal(wrong, remedy))) => Err(ConnectError::fatal(name, wrong, remedy)),
            Err(error) => Err(ConnectError::gone(name, what, error)),
        }
    }

    /// Locks the checkpoint and opens the file behind it, unless that was done before.
    pub(crate) fn open(&self) -> Result<(), Fault> {
        let mut tail = lock(&self.tail);
        if tail.is_none() {
            refuse_directories(&self.follow)?;
            let lock = self.lock_checkpoint()?;
            let opened = Tail::open(&self.follow)?;
            // From now on there is a checkpoint, so a source that begins at the end of the file has a place to go on at.
            self.progress().add(vec![Cut::Begin(opened.mark())], Status::Lines);
            *tail = Some(Open { tail: opened, _lock: lock });
            return Ok(());
        }
        drop(tail);
        self.fill(1)
    }

    fn lock_checkpoint(&self) -> Result<File, Fault> {
        let path = beside(&self.follow.checkpoint, ".lock");
        let file = match OpenOptions::new().create(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = folder_of(&self.follow.checkpoint).display();
                return Err(Fault::Fatal(
                    format!("there is no folder `{folder}` for the checkpoint"),
                    "create it, or give another path for the checkpoint".to_owned(),
                ));
            }
            Err(error) => {
                let named = format!("`{}`, the lock of the checkpoint: {error}", path.display());
                return Err(io::Error::new(error.kind(), named).into());
            }
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let used = format!(
                    "the checkpoint `{}` is in use by another source",
                    self.follow.checkpoint.display()
                );
                Err(io::Error::new(io::ErrorKind::WouldBlock, used).into())
            }
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    /// Reads lines from the file, unless there are some already.
    pub(crate) fn fill(&self, most: usize) -> Result<(), Fault> {
        let mut tail = lock(&self.tail);
        let Some(Open { tail, .. }) = &mut *tail else { return Ok(()) };
        if self.progress().has_enough(self.follow.window) {
            return Ok(());
        }
        let mut cuts = Vec::new();
        let read = tail.read(most, &mut cuts);
        // Also what was read before a fault.
        self.progress().add(cuts, *read.as_ref().unwrap_or(&Status::Lines));
        match read? {
            Status::Missing => Err(io::Error::new(io::ErrorKind::NotFound, "no file has the name").into()),
            Status::Lines | Status::Waits => Ok(()),
        }
    }

    /// Stores the checkpoint, if it is not the one that is there.
    pub(crate) fn store(&self) -> Result<(), Fault> {
        let mut stored = lock(&self.stored);
        let reached = self.progress().reached().map(|mark| Checkpoint::at(&self.follow.path, mark));
        if let Some(reached) = reached.filter(|reached| stored.as_ref() != Some(reached)) {
            reached.store(&self.follow.checkpoint)?;
            *stored = Some(reached);
        }
        Ok(())
    }

    /// Appends dead lines to their file.
    pub(crate) fn set_aside(&self, lines: &[u8]) -> Result<(), Fault> {
        if let Some(path) = &self.follow.dead {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.write_all(lines)?;
            file.sync_all()?;
        }
        Ok(())
    }
}
