//! The options of following a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::change::Change;
use crate::pull::FilePull;

/// The first line that is read if there is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The first line of the file.
    Beginning,
    /// The first line that ends after the file was opened.
    End,
}

/// Called with each change.
type OnChange = Arc<dyn Fn(&Change) + Send + Sync>;

/// A file to follow, and the file of its checkpoint.
///
/// One process at a time follows a file with a checkpoint; another one waits until the first has ended. The lock is on the file
/// named like the checkpoint with `.lock` at its end.
///
/// # Rotation
///
/// A file that was renamed stays in its folder until its last line is handled: a restart searches it there. Files that took its
/// name in between are read too, in the order of their last change, if their names begin with the name of the followed file
/// and go on with `.` or `-` and digits, such as `app.log.1` or `app.log-20260131`. A packed file is not read, but
/// [reported](Change::Skipped). A writer that
/// keeps the old file open may write to it until it has written to the new one.
#[derive(Clone)]
#[must_use]
pub struct Follow {
    pub(crate) path: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) start: StartAt,
    pub(crate) poll: Duration,
    pub(crate) max_line: usize,
    pub(crate) window: usize,
    pub(crate) dead: Option<PathBuf>,
    pub(crate) to_end: bool,
    on_change: Option<OnChange>,
}

impl Follow {
    /// Returns the defaults for the file `path`, whose progress is kept in the file `checkpoint`.
    pub fn new(path: impl Into<PathBuf>, checkpoint: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            checkpoint: checkpoint.into(),
            start: StartAt::Beginning,
            poll: Duration::from_millis(100),
            max_line: 1024 * 1024,
            window: 100_000,
            dead: None,
            to_end: false,
            on_change: None,
        }
    }

    /// Sets the first line that is read if there is no checkpoint. Default: the first of the file.
    pub const fn start_at(mut self, start: StartAt) -> Self {
        self.start = start;
        self
    }

    /// Sets the interval at which the file is looked at while it does not grow, at least 1 ms. Default: 100 ms.
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets the maximum number of bytes of a line; a longer one ends the pipeline with an error that names its place. Default:
    /// 1 MiB.
    pub const fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// Sets the maximum number of lines between the checkpoint and the last line delivered, at least 1: a line that is tried
    /// again for a long time holds up the others from then on. Default: 100 000.
    pub const fn window(mut self, lines: usize) -> Self {
        self.window = if lines == 0 { 1 } else { lines };
        self
    }

    /// Appends dead lines to this file before the checkpoint passes them. Default: they are logged as warnings alone.
    pub fn dead_letters(mut self, path: impl Into<PathBuf>) -> Self {
        self.dead = Some(path.into());
        self
    }

    /// Ends the source at the end of the file, once every line is handled or dead. Default: it waits for more lines.
    pub const fn to_end(mut self) -> Self {
        self.to_end = true;
        self
    }

    /// Calls a function with each [`Change`], on a thread that may block. Changes are logged in any case: a rotation as
    /// information, the others as warnings.
    pub fn on_change(mut self, function: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        self.on_change = Some(Arc::new(function));
        self
    }

    /// Returns the connector for [`source::pulled`](stage_connect::source::pulled).
    pub fn pull(&self) -> FilePull {
        FilePull::new(self.clone())
    }

    /// Returns the name of the followed file in errors.
    pub(crate) fn describe(&self) -> String {
        format!("file `{}`", self.path.display())
    }

    pub(crate) fn folder(&self) -> &Path {
        folder_of(&self.path)
    }

    pub(crate) fn report(&self, change: &Change) {
        match change {
            Change::Rotated { .. } => tracing::info!("{change}"),
            Change::Truncated { .. } | Change::Skipped { .. } => tracing::warn!("{change}"),
        }
        if let Some(on_change) = &self.on_change {
            on_change(change);
        }
    }
}

/// Returns the folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("path", &self.path)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
