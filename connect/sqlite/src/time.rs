//! The rules for clock jumps.
//!
//! Times in the table are times of the machine's clock, which all processes share. `latest` in the table is
//! the latest time of any write, so every time in the table exceeds `latest` by at most the delay that was
//! requested. If the clock is behind `latest`, it was set back, and every time in the table is set back with
//! it.
//!
//! If the clock leaps forward, leases of live holders run out. Each process compares it with a monotonic
//! clock, detects the leap, and renews all leases.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use crate::queue::millis;
use crate::table::Table;

/// Smaller jumps are ignored.
const SLACK: Duration = Duration::from_secs(1);

/// A reading of the machine's clock, together with a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Milliseconds since 1970.
    pub(crate) clock: i64,
    pub(crate) steady: Instant,
}

impl Moment {
    /// Returns whether the clock has advanced further than the monotonic time since `earlier`.
    pub(crate) fn has_leapt_since(self, earlier: Self) -> bool {
        let time = millis(self.steady.saturating_duration_since(earlier.steady) + SLACK);
        self.clock.saturating_sub(earlier.clock) > time
    }
}

/// The clock compared with the latest time in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// No time has been written yet.
    Unknown,
    /// It has barely advanced; the latest time need not be rewritten.
    Same,
    /// It has advanced.
    Forward,
    /// It was set back by this number of milliseconds.
    Back(i64),
}

impl Clock {
    fn of(latest: Option<i64>, now: i64) -> Self {
        let Some(latest) = latest else { return Self::Unknown };
        let slack = millis(SLACK);
        match now.saturating_sub(latest) {
            back if back < -slack => Self::Back(back.saturating_neg()),
            ahead if ahead > slack => Self::Forward,
            _ => Self::Same,
        }
    }
}

impl Table {
    /// Checks whether the clock was set back since the last [`note_time`](Self::note_time), and if so, sets
    /// all times in the table back with it. Call this before comparing times.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn look_at_time(&self, connection: &Connection, now: i64) -> rusqlite::Result<()> {
        if let Clock::Back(by) = self.clock(connection, now)? {
            tracing::warn!(by = ?Duration::from_millis(by.unsigned_abs()), "the clock was set back; setting the times of the queue back with it");
            connection.prepare_cached(&self.statements.set_back)?.execute([by, now])?;
            self.write_time(connection, now)?;
        }
        Ok(())
    }

    /// Records the time. Call this whenever a time is written, of a lease or of a waiting job.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn note_time(&self, connection: &Connection, now: i64) -> rusqlite::Result<()> {
        match self.clock(connection, now)? {
            Clock::Unknown | Clock::Forward => self.write_time(connection, now),
            Clock::Same | Clock::Back(_) => Ok(()),
        }
    }

    /// Starts to record the time in a file without one: jobs without a delay become due immediately, and
    /// leases run out by `until`.
    pub(crate) fn begin_time(&self, connection: &Connection, now: i64, until: i64) -> rusqlite::Result<()> {
        if self.clock(connection, now)? == Clock::Unknown {
            connection.prepare_cached(&self.statements.due_at_once)?.execute([])?;
            connection.prepare_cached(&self.statements.shorten)?.execute([until])?;
            self.write_time(connection, now)?;
        }
        Ok(())
    }

    fn clock(&self, connection: &Connection, now: i64) -> rusqlite::Result<Clock> {
        let mut latest = connection.prepare_cached(&self.statements.latest)?;
        Ok(Clock::of(latest.query_row([], |row| row.get(0)).optional()?, now))
    }

    fn write_time(&self, connection: &Connection, now: i64) -> rusqlite::Result<()> {
        connection.prepare_cached(&self.statements.note)?.execute([now]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::NewJob;
    use crate::table::Lease;

    #[test]
    fn a_clock_that_is_behind_the_latest_time_was_set_back() {
        assert_eq!(Clock::of(None, 5_000), Clock::Unknown);
        assert_eq!(Clock::of(Some(5_000), 5_900), Clock::Same);
        assert_eq!(Clock::of(Some(5_000), 4_100), Clock::Same);
        assert_eq!(Clock::of(Some(5_000), 6_001), Clock::Forward);
        assert_eq!(Clock::of(Some(3_600_000), 0), Clock::Back(3_600_000));
        assert_eq!(Clock::of(Some(i64::MAX), i64::MIN), Clock::Back(i64::MAX));
    }

    #[test]
    fn leases_of_the_living_outlast_a_leap_of_the_clock() {
        const HOUR: i64 = 3_600_000;
        let connection = Connection::open_in_memory().unwrap();
        let table = Table::new("jobs").unwrap();
        table.create(&connection).unwrap();
        table.enqueue(&connection, "", [NewJob::new("one")], 0).unwrap();
        let lease = |lessee, now| {
            let lease = Lease { lane: "", lessee, limit: 9, now, until: now + 100, attempts: 1 };
            table.lease(&connection, lease).unwrap()
        };
        let held = lease(0, HOUR);
        assert_eq!(table.keep_all(&connection, 2 * HOUR + 100).unwrap(), 1);
        assert_eq!(lease(1 << 32, 2 * HOUR), []);
        assert!(table.acknowledge(&connection, held[0].receipt()).unwrap());
        assert_eq!(table.counts(&connection, "").unwrap().dead, 0);
    }

    #[test]
    fn a_clock_that_goes_further_than_time_has_leapt() {
        let begin = Moment { clock: 1_000, steady: Instant::now() };
        let after = |clock, seconds| Moment { clock, steady: begin.steady + Duration::from_secs(seconds) };
        assert!(!after(61_000, 60).has_leapt_since(begin));
        assert!(!after(61_900, 60).has_leapt_since(begin));
        assert!(after(62_001, 60).has_leapt_since(begin));
        assert!(!after(-5_000, 60).has_leapt_since(begin));
    }
}
