//! Current and peak memory of this process in KiB, as reported by Linux.

use std::{fs, io};

/// Returns the resident memory.
pub(crate) fn now() -> io::Result<u64> {
    field("VmRSS:")
}

/// Returns the peak of the resident memory.
pub(crate) fn peak() -> io::Result<u64> {
    field("VmHWM:")
}

/// Resets the peak to the memory that is resident now.
pub(crate) fn forget_peak() -> io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

fn field(name: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let told =
        status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    told.ok_or_else(|| io::Error::other(format!("the system does not say {name}")))
}
