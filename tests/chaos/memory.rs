//! Does memory grow with the number of jobs? The bytes that are allocated, read while jobs are handled.

use std::fs;

use crate::ALLOCATOR;

/// What pipelines, their visitors and their verdicts may take together. About a thousand jobs are on their way at
/// most, a few hundred bytes each; the rest is what verdicts and blocks wait in.
const BOUND: usize = 2 << 20;

/// What was allocated at the beginning of a run.
pub(crate) struct Memory {
    before: usize,
}

impl Memory {
    pub(crate) fn now() -> Self {
        Self { before: live() }
    }

    /// By how much it has grown at most, which must be little.
    #[track_caller]
    pub(crate) fn assert_bounded(&self, peak: usize) -> usize {
        let grown = peak.saturating_sub(self.before);
        assert!(grown > 0, "memory was not looked at");
        assert!(grown < BOUND, "memory grew by {grown} bytes, at most {BOUND} are right");
        grown
    }
}

/// Bytes that are allocated now, by Rust: SQLite's are in the resident memory.
pub(crate) fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// The most memory that this process had, where the system tells it: Linux does.
pub(crate) fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    format!("{} resident at most", line.map_or("unknown", str::trim))
}
