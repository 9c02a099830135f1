//! Estimates the remaining time from bytes and files.

use std::time::Duration;

use super::duration;

/// The fixed cost of a file, expressed in bytes: opening it, storing it under its own name, recording it.
const FILE: u64 = 64 * 1024;

/// Minimum elapsed time before an estimate is shown.
const FIRST: Duration = Duration::from_secs(1);

/// The longest estimate to display.
const DAY: Duration = Duration::from_hours(24);

/// Estimates the work of `files` files with `bytes` bytes in total, expressed in bytes.
pub fn estimate(bytes: u64, files: u64) -> u64 {
    bytes.saturating_add(files.saturating_mul(FILE))
}

/// Formats the time left if `done` of the work `all` took `passed`. It is unknown before anything is done.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub fn time_left(done: u64, all: u64, passed: Duration) -> String {
    if done == 0 || passed < FIRST {
        return "time left not known yet".to_owned();
    }
    let times = all.saturating_sub(done) as f64 / done as f64;
    match Duration::try_from_secs_f64(passed.as_secs_f64() * times) {
        Ok(left) if left <= DAY => format!("{} left", duration(left)),
        _ => "over a day left".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn many_small_files_are_estimated_by_their_number() {
        // 1,000 of 4,000 one-byte files are done, and a file of 100 MB is still to come.
        let left = time_left(estimate(1_000, 1_000), estimate(100_003_999, 4_000), TEN);
        assert_eq!(left, "45 s left");
    }

    #[test]
    fn a_large_file_is_estimated_by_its_bytes() {
        assert_eq!(time_left(estimate(500_000_000, 0), estimate(1_000_000_000, 1), TEN), "10 s left");
    }

    #[test]
    fn an_estimate_is_neither_made_of_nothing_nor_longer_than_a_day() {
        assert_eq!(time_left(0, 10, TEN), "time left not known yet");
        assert_eq!(time_left(5, 10, Duration::from_millis(20)), "time left not known yet");
        assert_eq!(time_left(1, u64::MAX, TEN), "over a day left");
        assert_eq!(time_left(10, 5, TEN), "0.00 s left");
    }
}
