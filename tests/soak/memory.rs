//! Check that the process does not grow: the peak of its resident memory in each half of the run.

use std::{
    fmt, fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Allowed growth of the second half, besides rounding by the system: a tenth, and 8 MiB.
const MORE_KIB: u64 = 8 * 1_024;

/// Interval between samples.
const OFTEN: Duration = Duration::from_millis(100);

/// The peak of each half, in KiB.
#[derive(Clone, Copy, Debug, Default)]
struct Halves {
    first: u64,
    second: u64,
}

/// A monitor of this process's memory.
#[derive(Debug)]
pub(crate) struct Memory {
    halves: Arc<Mutex<Halves>>,
}

impl Memory {
    /// Samples until `end`.
    pub(crate) fn watch(end: Instant) -> Self {
        let halves = Arc::<Mutex<Halves>>::default();
        let seen = Arc::clone(&halves);
        let middle = Instant::now() + (end - Instant::now()) / 2;
        tokio::spawn(async move {
            while Instant::now() < end {
                if let Some(now) = resident() {
                    let mut halves = seen.lock().unwrap();
                    let half = if Instant::now() < middle { &mut halves.first } else { &mut halves.second };
                    *half = now.max(*half);
                }
                sleep(OFTEN).await;
            }
        });
        Self { halves }
    }

    pub(crate) fn assert_flat(&self) {
        let Halves { first, second } = *self.halves.lock().unwrap();
        assert!(second <= first + first / 10 + MORE_KIB, "it grew from {first} KiB to {second} KiB");
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Halves { first, second } = *self.halves.lock().unwrap();
        write!(f, "at most {first} KiB in the first half, {second} KiB in the second")
    }
}

/// Returns the resident memory in KiB, if the system reports it, as Linux does.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
