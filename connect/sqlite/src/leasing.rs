//! The rules for leases: which jobs are leased next, how leases are renewed, and what happens when one runs
//! out.
//!
//! A process that is killed loses all its jobs at once, and there is no record of which of them killed it. A
//! lease that ran out therefore counts as an attempt only if the job was the last one that its process held,
//! and a handler had begun it. Otherwise the attempts of all its jobs are taken back, and each of them is
//! leased alone the next time.

use rusqlite::{Connection, Row, params};

use crate::job::{Company, Job, JobId, Receipt};
use crate::table::{Lease, Table, count, runs};

/// The lessee of a lease that ran out: it can still be settled, and is never renewed.
const NOBODY: i64 = i64::MIN;

/// The jobs held by the process of a lessee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Empty,
    /// A single job that must be alone.
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
    /// Returns whether it has waited for an empty hand for as long as a lease lasts; then nothing more is
    /// leased until the hand is empty. (A job whose `due` is 0 counts as having waited.)
    const fn has_waited(self, lease: Lease<'_>) -> bool {
        self.due == 0 || lease.now.saturating_sub(self.due) >= lease.until.saturating_sub(lease.now)
    }
}

impl Table {
    /// Processes the leases that ran out, then leases the next jobs: those with greater priority first, then
    /// those with fewer attempts, then the earlier ones.
    ///
    /// A job whose lease ran out, or that is on the last of several attempts, is leased alone: only while the
    /// process of the lessee holds no other job, and the process gets no other before this one is settled.
    /// Until then other jobs are leased past it, for at most as long as a lease lasts.
    ///
    /// A handler is taken to have begun the last job of a process that was killed;
    /// [`lease_if_begun`](Self::lease_if_begun) is for callers who can tell.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn lease(&self, connection: &Connection, lease: Lease<'_>) -> rusqlite::Result<Vec<Job>> {
        self.lease_if_begun(connection, lease, |_, _| true)
    }

    /// Same as [`lease`](Self::lease), for callers who can tell whether a handler has begun a job: otherwise
    /// the attempt does not count. `has_begun` is called once for each lease that ran out, with its lessee.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn lease_if_begun(
        &self,
        connection: &Connection,
        lease: Lease<'_>,
        has_begun: impl FnMut(i64, Receipt) -> bool,
    ) -> rusqlite::Result<Vec<Job>> {
        self.see_to_those_that_ran_out(connection, lease, has_begun)?;
        let hand = self.hand(connection, lease)?;
        let next = self.next(connection, lease, hand)?;
        let company = if hand == Hand::Empty && next.len() == 1 { Company::Nothing } else { Company::Jobs };
        let mut take = connection.prepare_cached(&self.statements.take)?;
        for (first, last) in runs(&next, |job| job.id) {
            take.execute([first.id.0, last.id.0, lease.lessee, lease.until])?;
        }
        let taken = |job: Job| Job { attempt: job.attempt + 1, lease: job.lease + 1, company, ..job };
        Ok(next.into_iter().map(taken).collect())
    }

    fn next(&self, connection: &Connection, lease: Lease<'_>, hand: Hand) -> rusqlite::Result<Vec<Job>> {
        match (hand, self.first(connection, lease)?) {
            (Hand::Alone, _) | (_, None) => return Ok(Vec::new()),
            (Hand::Empty, Some(first)) if first.alone && lease.limit > 0 => {
                let mut by_id = connection.prepare_cached(&self.statements.by_id)?;
                return Ok(vec![by_id.query_row([first.id], waiting)?]);
            }
            (Hand::Others, Some(first)) if first.alone && first.has_waited(lease) => return Ok(Vec::new()),
            (Hand::Empty | Hand::Others, Some(_)) => {}
        }
        let mut next = connection.prepare_cached(&self.statements.next)?;
        let terms = params![lease.lane, lease.now, lease.attempts, count(lease.limit)];
        next.query_map(terms, waiting)?.collect()
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

    /// Processes the leases that ran out: they lose their lessee, and jobs on their last attempt are dead.
    fn see_to_those_that_ran_out(
        &self,
        connection: &Connection,
        lease: Lease<'_>,
        mut has_begun: impl FnMut(i64, Receipt) -> bool,
    ) -> rusqlite::Result<()> {
        let mut run_out = connection.prepare_cached(&self.statements.run_out)?;
        let run_out = run_out.query_map(params![NOBODY, lease.now, lease.lane], |row| {
            let (id, lessee) = (JobId(row.get(0)?), row.get(2)?);
            let (lease, attempt, is_keyed) = (row.get(1)?, row.get(3)?, row.get(4)?);
            let receipt = Receipt { id, lease, attempt, company: Company::Jobs, is_keyed };
            Ok((sources_beside(lessee), receipt, has_begun(lessee, receipt)))
        })?;
        let run_out = run_out.collect::<rusqlite::Result<Vec<_>>>()?;
        for process in run_out.chunk_by(|(one, ..), (other, ..)| one == other) {
            let Some(&((from, to), _, begun)) = process.first() else { continue };
            let mut company = connection.prepare_cached(&self.statements.company)?;
            let is_last = company.query_row([from, to], |row| row.get::<_, i64>(0))? == 1;
            if !(is_last && begun) {
                connection.prepare_cached(&self.statements.uncount)?.execute([from, to])?;
            }
        }
        let mut let_go = connection.prepare_cached(&self.statements.let_go)?;
        for (_, receipt, _) in run_out {
            let attempt = let_go.query_row([receipt.id.0, NOBODY], |row| row.get(0))?;
            if attempt >= lease.attempts {
                let receipt = Receipt { attempt, ..receipt };
                self.bury(connection, receipt, "its lease ran out", lease.now)?;
            }
        }
        Ok(())
    }

    /// Renews every lease of `lessee`; returns their number.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite.
    pub fn keep(&self, connection: &Connection, lessee: i64, until: i64) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep)?.execute(params![lessee, until])
    }

    /// Renews the leases of `lessee` that have run out by `now`: for a lessee that is alive but could not
    /// renew them in time.
    pub(crate) fn keep_late(
        &self,
        connection: &Connection,
        lessee: i64,
        until: i64,
        now: i64,
    ) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep_late)?.execute([lessee, until, now])
    }

    /// Renews every lease in the table, whatever its lessee, after the clock has leapt forward.
    pub(crate) fn keep_all(&self, connection: &Connection, until: i64) -> rusqlite::Result<usize> {
        connection.prepare_cached(&self.statements.keep_all)?.execute([NOBODY, until])
    }
}

/// Reads a job as it waits: with the attempts and leases before the next.
fn waiting(row: &Row<'_>) -> rusqlite::Result<Job> {
    let (id, payload, key) = (JobId(row.get(0)?), row.get(1)?, row.get(2)?);
    Ok(Job { id, payload, key, attempt: row.get(3)?, lease: row.get(4)?, company: Company::Jobs })
}

/// Returns the first and the last lessee number of a process.
const fn sources_beside(lessee: i64) -> (i64, i64) {
    const SOURCES: i64 = u32::MAX as i64;
    (lessee & !SOURCES, lessee | SOURCES)
}
