//! Check that memory does not grow with the number of jobs, by the bytes allocated while jobs are handled.

use std::fs;

use crate::ALLOCATOR;

/// Bound for pipelines, their visitors and their verdicts together. At most about a thousand jobs are in
/// flight, a few hundred bytes each; the rest is for waiting verdicts and blocks.
const BOUND: usize = 2 << 20;

/// The allocated bytes at the beginning of a run.
pub(crate) struct Memory {
    before: usize,
}

impl Memory {
    pub(crate) fn now() -> Self {
        Self { before: live() }
    }

    /// Returns the maximum growth, which must stay within the bound.
    #[track_caller]
    pub(crate) fn assert_bounded(&self, peak: usize) -> usize {
        let grown = peak.saturating_sub(self.before);
        assert!(grown > 0, "no sample of the memory");
        assert!(grown < BOUND, "memory grew by {grown} bytes, at most {BOUND} are right");
        grown
    }
}

/// Returns the bytes allocated by Rust; SQLite's are part of the resident memory.
pub(crate) fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// Returns the peak memory of this process, if the system reports it, as Linux does.
pub(crate) fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    format!("{} resident at most", line.map_or("unknown", str::trim))
}
