//! Decides which jobs are leased next. Pure: the values are read by the statement `LOOK`.

use std::time::Duration;

use tokio_postgres::{Error, Row};

/// The state of the queue, as one process sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// The seconds until a delay is over or a lease runs out; negative if one has.
    next_due: Option<f64>,
    /// Jobs wait for their place among those of their key.
    pub(super) has_new: bool,
    /// The process holds a job that must be alone.
    pub(super) holds_alone: bool,
    /// The first available job that must be alone.
    pub(super) alone: Option<Alone>,
    /// The first other available job.
    pub(super) ready: Option<Rank>,
}

/// The place of a job in the order of leasing: a smaller one is leased first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    falling_priority: i64,
    attempts: i32,
    id: i64,
}

/// A job that must be alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alone {
    pub(super) rank: Rank,
    /// The seconds since it is available.
    pub(super) waited: f64,
    /// The process holds other jobs.
    pub(super) has_company: bool,
}

/// The jobs to lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// None, until a job in hand is settled or another becomes available.
    Nothing,
    /// The first job that must be alone.
    Alone,
    /// As many others as there is demand for.
    Ready,
    /// The same without a look, unless there is other work.
    AtOnce,
}

impl Look {
    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        let rank = |first: usize| -> Result<Option<Rank>, Error> {
            let Some(priority) = row.try_get::<_, Option<i32>>(first)? else { return Ok(None) };
            let (attempts, id) = (row.try_get(first + 1)?, row.try_get(first + 2)?);
            Ok(Some(Rank { falling_priority: -i64::from(priority), attempts, id }))
        };
        let alone = match rank(3)? {
            None => None,
            Some(rank) => Some(Alone { rank, waited: row.try_get(6)?, has_company: row.try_get(7)? }),
        };
        Ok(Self {
            next_due: row.try_get(0)?,
            has_new: row.try_get(1)?,
            holds_alone: row.try_get(2)?,
            alone,
            ready: rank(8)?,
        })
    }

    /// Returns whether delays are over or leases have run out.
    pub(super) fn is_time_up(&self) -> bool {
        self.next_due.is_some_and(|due| due <= 0.0)
    }

    /// The time until a delay is over or a lease runs out.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let due = self.next_due?.max(0.0);
        Some(Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX))
    }

    /// A job that must be alone is leased when it is the first of all and the process holds nothing. Until then
    /// others are leased past it, for as long as a lease lasts (`lease`, in seconds); then nothing is.
    pub(super) fn turn(&self, lease: f64) -> Turn {
        let first = self.alone.filter(|alone| self.ready.is_none_or(|ready| alone.rank < ready));
        match first {
            _ if self.holds_alone => Turn::Nothing,
            Some(alone) if !alone.has_company => Turn::Alone,
            Some(alone) if alone.waited >= lease => Turn::Nothing,
            Some(_) | None if self.ready.is_some() => Turn::Ready,
            Some(_) | None => Turn::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(priority: i64, attempts: i32, id: i64) -> Rank {
        Rank { falling_priority: -priority, attempts, id }
    }

    fn look(alone: Option<(Rank, f64, bool)>, ready: Option<Rank>) -> Look {
        let alone = alone.map(|(rank, waited, has_company)| Alone { rank, waited, has_company });
        Look { next_due: None, has_new: false, holds_alone: false, alone, ready }
    }

    #[test]
    fn greater_priority_then_fewer_attempts_then_the_earlier_job_comes_first() {
        let mut ranks = [rank(0, 0, 2), rank(1, 3, 9), rank(0, 1, 1), rank(0, 0, 1)];
        ranks.sort_unstable();
        assert_eq!(ranks, [rank(1, 3, 9), rank(0, 0, 1), rank(0, 0, 2), rank(0, 1, 1)]);
    }

    #[test]
    fn a_job_that_must_be_alone_waits_for_an_empty_hand_but_not_longer_than_a_lease() {
        let (first, second) = (rank(0, 0, 1), rank(0, 0, 2));
        assert_eq!(look(Some((first, 0.0, false)), Some(second)).turn(30.0), Turn::Alone);
        assert_eq!(look(Some((first, 29.0, true)), Some(second)).turn(30.0), Turn::Ready);
        assert_eq!(look(Some((first, 30.0, true)), Some(second)).turn(30.0), Turn::Nothing);
        assert_eq!(look(Some((second, 30.0, true)), Some(first)).turn(30.0), Turn::Ready);
        assert_eq!(look(Some((first, 0.0, true)), None).turn(30.0), Turn::Nothing);
    }

    #[test]
    fn nothing_is_leased_beside_a_job_that_must_be_alone() {
        let held = Look { holds_alone: true, ..look(Some((rank(0, 0, 1), 0.0, false)), Some(rank(0, 0, 2))) };
        assert_eq!(held.turn(30.0), Turn::Nothing);
        assert_eq!(look(None, None).turn(30.0), Turn::Nothing);
    }
}
