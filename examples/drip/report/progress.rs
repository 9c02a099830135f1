//! Progress of a command: a bar on a terminal, otherwise a periodic line; and a line per failure, at once.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{bytes, count, duration, estimate, path_hex, rate, shown, shown_lines, time_left};
use crate::repository::{Direction, Transfer};
use crate::transfer::{PATIENCE, Witness};

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(2);

/// A failed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name, as displayed.
    pub name: String,
    /// The bytes of its path, in hexadecimal, if that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// The cause.
    pub cause: String,
}

impl Failed {
    /// Creates the failure of the file at this path.
    pub fn new(path: &Path, cause: &str) -> Self {
        Self { name: shown(path), path_hex: path_hex(path), cause: cause.to_owned() }
    }
}

/// Counts and shows progress, and collects failures.
#[derive(Debug)]
pub struct Progress {
    verb: &'static str,
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Mutex<Instant>,
    total_files: AtomicU64,
    total_bytes: AtomicU64,
    moved: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    failures: Mutex<Vec<Failed>>,
}

impl Progress {
    /// Creates a progress display on stderr, labelled with this verb.
    pub fn new(verb: &'static str) -> Self {
        let now = Instant::now();
        Self {
            verb,
            bar: io::stderr().is_terminal().then(|| bar(verb)),
            begun: now,
            last_line: Mutex::new(now),
            total_files: AtomicU64::new(0),
            total_bytes: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            failures: Mutex::default(),
        }
    }

    /// Announces the total amount of work.
    pub fn expect(&self, files: u64, bytes: u64) {
        self.total_files.store(files, Ordering::Relaxed);
        self.total_bytes.store(bytes, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_length(estimate(bytes, files));
            bar.set_message(self.figures(self.begun.elapsed()));
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
    }

    /// Prints a line for a person, beside the bar.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(line)),
            None => tell(line),
        }
    }

    /// Reports a requested file that will not be transferred.
    pub fn fail(&self, path: &Path, cause: &str) {
        let failed = Failed::new(path, cause);
        self.note(&format!("failed: {}: {cause}", failed.name));
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failed);
    }

    /// Ends all bars and lines.
    pub fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Number of completed files, and their bytes.
    pub fn done(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// The failures so far.
    pub fn failures(&self) -> Vec<Failed> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self) {
        let moved = self.moved.load(Ordering::Relaxed);
        match &self.bar {
            Some(bar) => {
                bar.set_position(estimate(moved, self.files.load(Ordering::Relaxed)));
                bar.set_message(self.figures(self.begun.elapsed()));
            }
            None => self.line_if_due(),
        }
    }

    fn line_if_due(&self) {
        let now = Instant::now();
        // If the lock is taken, its holder prints the line.
        let Ok(mut last) = self.last_line.try_lock() else { return };
        if now.duration_since(*last) >= EVERY {
            *last = now;
            tell(&format!("{}: {}", self.verb, self.figures(now.duration_since(self.begun))));
        }
    }

    fn figures(&self, passed: Duration) -> String {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (moved, total) = (load(&self.moved), load(&self.total_bytes));
        let (files, all) = (load(&self.files), load(&self.total_files));
        format!(
            "{} of {} files, {} of {}, {}, {}",
            count(files),
            count(all),
            bytes(moved),
            bytes(total),
            rate(moved, passed),
            time_left(estimate(moved, files), estimate(total, all), passed),
        )
    }
}

/// Writes a line to stderr. If the reader is gone, the line is lost; `eprintln!` would panic and break the
/// stage.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{}", shown_lines(line));
}

/// Creates a bar that appears once the amount of work is known.
fn bar(verb: &'static str) -> ProgressBar {
    let style = "{prefix} {wide_bar} {msg}";
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()).with_prefix(verb);
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

impl Witness for Progress {
    fn moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        self.show();
    }

    fn taken_back(&self, bytes: u64) {
        self.moved.fetch_sub(bytes, Ordering::Relaxed);
        self.show();
    }

    fn done(&self, transfer: &Transfer, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        tracing::debug!(file = %transfer.path.display(), id = %transfer.media.id, bytes, "done");
        self.show();
    }

    fn failed(&self, transfer: &Transfer, cause: &str) {
        match transfer.direction {
            Direction::Upload => self.fail(&transfer.path, cause),
            Direction::Download => {
                let id = transfer.media.id;
                let name = format!("{} ({id})", shown(&transfer.media.relative_path));
                self.fail(Path::new(&name), cause);
            }
        }
    }

    fn waits(&self, cause: &str) {
        let patience = duration(PATIENCE);
        self.note(&format!("waiting: {cause}; retrying for {patience}, then the rest stays in the queue"));
    }

    fn goes_on(&self) {
        self.note("resuming");
    }

    fn renamed(&self, transfer: &Transfer, name: &Path) {
        let (path, name) = (shown(&transfer.path), shown(name));
        self.note(&format!("{path} already exists with other content; downloaded as {name}"));
    }
}
