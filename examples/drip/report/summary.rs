//! The summary of a command: one line for a person, or one JSON object for a program.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::{Failed, StageRow, bytes, count, duration, rate};

/// The result of a command.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the command.
    pub command: &'static str,
    /// Number of transferred files.
    pub files: u64,
    /// Their clear bytes.
    pub bytes: u64,
    /// Number of failed files.
    pub failed: u64,
    /// Running time of the pipeline.
    pub seconds: f64,
    /// Number of files still in the queue.
    pub queued: u64,
    /// Number of files skipped because they are stored unchanged.
    pub unchanged: u64,
    /// Number of folders skipped because they are hidden or named `target`.
    pub hidden: u64,
    /// Number of files and folders that `--exclude` skipped.
    pub excluded: u64,
    /// Whether a signal ended the run.
    pub interrupted: bool,
    /// Number of transfers that were forgotten on request.
    #[serde(skip_serializing_if = "is_zero")]
    pub forgotten: u64,
    /// The failed files with their causes.
    pub failures: Vec<Failed>,
    /// The figures of each step.
    pub stages: Vec<StageRow>,
    /// Why the command could not continue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Summary {
    /// Creates the result of a command that could not start.
    pub fn of_error(command: &'static str, error: &impl ToString) -> Self {
        Self { command, error: Some(error.to_string()), ..Self::default() }
    }

    /// Whether the whole request is done: nothing failed, and nothing is left.
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.queued == 0 && !self.interrupted && self.error.is_none()
    }

    /// Formats one line for a person.
    pub fn line(&self, verb: &str) -> String {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let mut line = format!(
            "{verb} {} file{}, {} in {} ({})",
            count(self.files),
            if self.files == 1 { "" } else { "s" },
            bytes(self.bytes),
            duration(time),
            rate(self.bytes, time),
        );
        if self.unchanged > 0 {
            let _ = write!(line, "; {} unchanged", count(self.unchanged));
        }
        if self.hidden > 0 {
            let folders = if self.hidden == 1 { "folder" } else { "folders" };
            let hidden = count(self.hidden);
            let _ =
                write!(line, "; {hidden} {folders} skipped as hidden or `target` (--hidden includes them)");
        }
        if self.excluded > 0 {
            let _ = write!(line, "; {} excluded", count(self.excluded));
        }
        if self.failed > 0 {
            let _ = write!(line, "; {} failed", count(self.failed));
        }
        if self.queued > 0 {
            let _ = write!(line, "; {} left in the queue", count(self.queued));
        }
        line
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_agreed_fields() {
        let json = serde_json::to_value(Summary { command: "upload", ..Summary::default() }).unwrap();
        for field in ["files", "bytes", "failed", "seconds", "stages"] {
            assert!(json.get(field).is_some(), "{field} in {json}");
        }
    }

    #[test]
    fn a_failure_shows_in_the_line_and_in_the_verdict() {
        let summary = Summary { files: 1, bytes: 5_000_000, failed: 2, seconds: 0.5, ..Summary::default() };
        assert_eq!(summary.line("uploaded"), "uploaded 1 file, 5.0 MB in 0.50 s (10.0 MB/s); 2 failed");
        assert!(!summary.is_success());
    }

    #[test]
    fn a_rest_in_the_queue_or_a_signal_is_not_a_success() {
        assert!(Summary::default().is_success());
        assert!(!Summary { queued: 1, ..Summary::default() }.is_success());
        assert!(!Summary { interrupted: true, ..Summary::default() }.is_success());
    }
}
