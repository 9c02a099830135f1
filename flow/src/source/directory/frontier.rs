//! The queue of directories to read, shared by the parts of a walk, and the number of those being read.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sync::lock;

/// How long a part waits for other parts to find a directory before it returns control to its stage.
const PATIENCE: Duration = Duration::from_micros(500);

/// A directory to be read.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) path: PathBuf,
    pub(super) depth: usize,
    pub(super) line: Arc<Ancestor>,
}

/// A directory and its ancestors.
#[derive(Debug)]
pub(super) struct Ancestor {
    identity: Option<(u64, u64)>,
    parent: Option<Arc<Ancestor>>,
}

impl Ancestor {
    pub(super) fn of(metadata: &Metadata, parent: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { identity: identity(metadata), parent })
    }

    /// Returns whether the directory contains itself.
    pub(super) fn is_its_own(&self) -> bool {
        let Some(identity) = self.identity else {
            return false;
        };
        let mut above = self.parent.as_deref();
        while let Some(ancestor) = above {
            if ancestor.identity == Some(identity) {
                return true;
            }
            above = ancestor.parent.as_deref();
        }
        false
    }
}

/// Returns the device and the inode of a file, if the system provides them.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems do not say")]
pub(super) fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns the device and the inode of a file, if the system provides them.
#[cfg(not(unix))]
pub(super) fn identity(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The state shared by the parts of a walk.
#[derive(Debug)]
pub(super) struct Frontier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// A stack: the most recent directory is taken first, so that few directories wait.
    waiting: Vec<Pending>,
    /// The number of directories being read, each of which may add more.
    busy: usize,
    /// The number of parts that wait; a notification without waiters would cost a system call for each
    /// directory.
    idle: usize,
}

/// The next task of a part.
#[derive(Debug)]
pub(super) enum Work {
    /// Read this directory.
    Read(Pending, Busy),
    /// There is nothing to read now.
    Wait,
    /// The walk is complete.
    Over,
}

/// Marks a directory as being read until dropped.
#[derive(Debug)]
pub(super) struct Busy {
    frontier: Arc<Frontier>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.frontier.lock();
        state.busy -= 1;
        if state.busy == 0 && state.idle > 0 {
            self.frontier.changed.notify_all();
        }
    }
}

impl Frontier {
    pub(super) fn new(root: Option<Pending>) -> Arc<Self> {
        let state = State { waiting: root.into_iter().collect(), busy: 0, idle: 0 };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Adds a directory to be read.
    pub(super) fn add(&self, pending: Pending) {
        let mut state = self.lock();
        state.waiting.push(pending);
        if state.idle > 0 {
            self.changed.notify_one();
        }
    }

    /// Returns the next task; waits briefly for one.
    pub(super) fn take(self: &Arc<Self>) -> Work {
        let mut state = self.lock();
        if state.waiting.is_empty() && state.busy > 0 {
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, PATIENCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        match state.waiting.pop() {
            Some(pending) => {
                state.busy += 1;
                Work::Read(pending, Busy { frontier: Arc::clone(self) })
            }
            None if state.busy > 0 => Work::Wait,
            None => Work::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(numbers: &[u64]) -> Arc<Ancestor> {
        let below = |parent, number: &u64| Some(Arc::new(Ancestor { identity: Some((1, *number)), parent }));
        numbers.iter().fold(None, below).unwrap()
    }

    #[test]
    fn a_directory_that_contains_itself_is_detected() {
        assert!(!line(&[1]).is_its_own());
        assert!(!line(&[1, 2, 3]).is_its_own());
        assert!(line(&[1, 2, 1]).is_its_own());
    }

    #[test]
    fn the_walk_ends_when_no_directory_waits_and_no_stage_is_busy() {
        let pending = || Pending { path: "x".into(), depth: 0, line: line(&[1]) };
        let frontier = Frontier::new(Some(pending()));
        let Work::Read(_, busy) = frontier.take() else { panic!("there is one") };
        assert!(matches!(frontier.take(), Work::Wait));
        frontier.add(pending());
        let Work::Read(_, second) = frontier.take() else { panic!("there is another") };
        drop((busy, second));
        assert!(matches!(frontier.take(), Work::Over));
    }
}
