//! The rules about leases: the next jobs to be leased, their renewal, and what a lease that ran out means.
//!
//! A process that is killed loses all its jobs together, and nobody knows which of them it had begun. So a lease that
//! ran out counts as an attempt only if the job was the last one that its process held: then it was this one. Otherwise
//! the attempts of all of them are taken back, and each of them is leased alone the next time.

use rusqlite::{Connection, params};

use super::job::{Job, JobId, Receipt};
use super::table::{Lease, Table, count};

/// The lessee of a lease that ran out: it can still be settled, and is renewed by nobody.
const NOBODY: i64 = i64::MIN;

/// The jobs that the process of a lessee has in its hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Empty,
    /// One that has to be alone.
    Alone,
    Others,
}

/// The first job that can be leased.
#[derive(Clone, Copy, Debug)]
struct First {
    id: i64,
    due: i64,
    alone: bool,
}

impl First {
    /// Whether it has waited for an empty hand for as long as a lease lasts: then nothing more is leased until the hand
    /// is empty. (A job without a time never waits in vain.)
    const fn has_waited(self, lease: Lease<'_>) -> bool {
        self.due == 0 || lease.now.saturating_sub(self.due) >= lease.until.saturating_sub(lease.now)
    }
}

impl Table {
    /// Leases the next jobs, of greater priority first, then those tried less often, then the earlier ones; after it
    /// has seen to leases that ran out.
    ///
    /// A job whose lease ran out, or that is on the last of several attempts, is leased alone: when the process of
    /// the lessee holds no other, which gets no other before it is settled. Until then others are leased past it, for
    /// as long as a lease lasts.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn lease(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<Vec<Job>> {
        self.see_to_those_that_ran_out(connection, lease)?;
        let next = self.next(connection, lease)?;
        let mut take = connection.prepare_cached(&self.statements.take)?;
        let take = |id: i64| {
            take.query_row(params![id, lease.lessee, lease.until], |row| {
                let (payload, key, attempt, lease) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(Job { id: JobId(id), payload, key, attempt, lease })
            })
        };
        next.into_iter().map(take).collect()
    }

    fn next(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<Vec<i64>> {
        let hand = self.hand(connection, lease)?;
        match (hand, self.first(connection, lease)?) {
            (Hand::Alone, _) | (_, None) => return Ok(Vec::new()),
            (Hand::Empty, Some(first)) if first.alone && lease.limit > 0 => return Ok(vec![first.id]),
            (Hand::Others, Some(first)) if first.alone && first.has_waited(lease) => return Ok(Vec::new()),
            (Hand::Empty | Hand::Others, Some(_)) => {}
        }
        let mut next = connection.prepare_cached(&self.statements.next)?;
        let terms = params![lease.lane, lease.now, lease.attempts, count(lease.limit)];
        next.query_map(terms, |row| row.get(0))?.collect()
    }

    fn hand(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<Hand> {
        let mut hand = connection.prepare_cached(&self.statements.hand)?;
        let (from, to) = sources_beside(lease.lessee);
        let held = hand.query_map(params![from, to, lease.now, lease.attempts], |row| row.get(0))?;
        Ok(match held.collect::<rusqlite::Result<Vec<bool>>>()?[..] {
            [] => Hand::Empty,
            [true] => Hand::Alone,
            _ => Hand::Others,
        })
    }

    fn first(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<Option<First>> {
        let mut first = connection.prepare_cached(&self.statements.first)?;
        let found = first.query_map(params![lease.lane, lease.now, lease.attempts], |row| {
            Ok(First { id: row.get(0)?, due: row.get(1)?, alone: row.get(2)? })
        })?;
        found.last().transpose()
    }

    /// Leases that ran out belong to nobody any more; jobs whose last attempt that was are dead.
    fn see_to_those_that_ran_out(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<()> {
        let mut run_out = connection.prepare_cached(&self.statements.run_out)?;
        let run_out = run_out.query_map(params![NOBODY, lease.now, lease.lane], |row| {
            Ok((JobId(row.get(0)?), row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        let run_out = run_out.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut processes: Vec<_> = run_out.iter().map(|(.., lessee)| sources_beside(*lessee)).collect();
        processes.sort_unstable();
        processes.dedup();
        for (from, to) in processes {
            let mut company = connection.prepare_cached(&self.statements.company)?;
            if company.query_row([from, to], |row| row.get::<_, i64>(0))? > 1 {
                connection.prepare_cached(&self.statements.uncount)?.execute([from, to])?;
            }
        }
        let mut let_go = connection.prepare_cached(&self.statements.let_go)?;
        for (id, number, _) in run_out {
            let attempt = let_go.query_row([id.0, NOBODY], |row| row.get(0))?;
            if attempt >= lease.attempts {
                let receipt = Receipt { id, lease: number, attempt };
                self.bury(connection, receipt, "its lease ran out", lease.now)?;
            }
        }
        Ok(())
    }

    /// Renews every lease of `lessee`; says how many.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn keep(&self, connection: &Connection, lessee: i64, until: i64) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep)?.execute(params![lessee, until])
    }

    /// Renews those leases of `lessee` that have run out by `now`: for a lessee that lives, and could not renew them in
    /// time.
    pub(super) fn keep_late(
        &self,
        connection: &Connection,
        lessee: i64,
        until: i64,
        now: i64,
    ) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep_late)?.execute([lessee, until, now])
    }

    /// Renews every lease in the table, whoever has it: after the clock has leapt forward.
    pub(super) fn keep_all(&self, connection: &Connection, until: i64) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep_all)?.execute([NOBODY, until])
    }
}

/// The first and the last number of the lessees of one process.
const fn sources_beside(lessee: i64) -> (i64, i64) {
    const SOURCES: i64 = u32::MAX as i64;
    (lessee & !SOURCES, lessee | SOURCES)
}
