//! How much memory has this process now, and how much had it at most? As Linux tells it, in KiB.

use std::{fs, io};

/// What is resident now.
pub(crate) fn now() -> io::Result<u64> {
    field("VmRSS:")
}

/// The most that ever was.
pub(crate) fn peak() -> io::Result<u64> {
    field("VmHWM:")
}

fn field(name: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let told =
        status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    told.ok_or_else(|| io::Error::other(format!("the system does not say {name}")))
}
