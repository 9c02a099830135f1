//! Runs a fuzz target for a number of cases or for a time.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::super::{More, Part, ReadError};
use super::random::Random;

/// The number of cases of each target if no time is set.
const CASES: u64 = 120;
/// The time limit of a case, generous enough for a machine that is busy with other processes.
const LONG: Duration = Duration::from_secs(600);
/// The memory limit in KiB of a target, and of all targets side by side.
const MUCH: u64 = 1 << 20;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a target; each case gets random numbers and a file to write to.
pub(super) fn fuzz(target: &str, case: impl Fn(&mut Random, &PathBuf)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(target);
    let first = variable("FUZZ_SEED").unwrap_or_default();
    let (began, time) = (Instant::now(), variable("FUZZ_SECONDS").map(Duration::from_secs));
    let mut cases = 0;
    while time.map_or(cases < CASES, |time| began.elapsed() < time) {
        let (seed, from) = (first + cases, Instant::now());
        let run = catch_unwind(AssertUnwindSafe(|| case(&mut Random::seeded(seed), &file)));
        if let Err(failure) = run {
            eprintln!("{target} fails with FUZZ_SEED={seed}");
            resume_unwind(failure);
        }
        assert!(from.elapsed() < LONG, "{target} takes {:?} with FUZZ_SEED={seed}", from.elapsed());
        cases += 1;
    }
    let peak = peak_memory();
    assert!(peak.is_none_or(|peak| peak < MUCH), "{target}: {peak:?} KiB");
    println!("{target}: {cases} cases in {:?}, at most {peak:?} KiB in the process", began.elapsed());
}

/// Returns the peak memory of the process in KiB, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Reads a part; returns its events, and the error that ended it.
pub(super) fn read<P: Part>(part: &mut P, random: &mut Random) -> (Vec<P::Item>, Option<ReadError>) {
    let mut all = Vec::new();
    loop {
        let most = 1 + random.below(20);
        match part.read(most, &mut |event| all.push(event)) {
            Ok(More::No) => return (all, None),
            Ok(More::Yes | More::Later) => {}
            Err(error) => return (all, Some(*error.downcast::<ReadError>().unwrap())),
        }
    }
}
