//! The result of a run: its exit code and its output.

use std::process::ExitStatus;

use serde_json::Value;

/// A completed run of drip.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

impl Ended {
    pub(super) fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8], command: String) -> Self {
        Self {
            code: status.code(),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            command,
        }
    }

    /// Requires this exit code; otherwise shows the whole output.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.told());
        self
    }

    /// Returns the one JSON value on the standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.told()))
    }

    /// Returns the lines, of both streams, that mention `something`.
    pub(crate) fn lines_about(&self, something: &str) -> Vec<&str> {
        let lines = self.stderr.lines().chain(self.stdout.lines());
        lines.filter(|line| line.contains(something)).collect()
    }

    /// Requires one line on the standard error that names `something` and gives the reason in these words.
    #[track_caller]
    pub(crate) fn expect_one_line(&self, something: &str, words: &[&str]) {
        let lines: Vec<_> = self.stderr.lines().filter(|line| line.contains(something)).collect();
        assert_eq!(lines.len(), 1, "one line about {something}: {}", self.told());
        let line = lines[0].to_lowercase();
        for word in words {
            assert!(line.contains(&word.to_lowercase()), "`{word}` in `{line}`: {}", self.told());
        }
    }

    /// Returns the whole output, for a failing assertion.
    pub(crate) fn told(&self) -> String {
        let Self { code, stdout, stderr, command } = self;
        format!("{command}\nexit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
