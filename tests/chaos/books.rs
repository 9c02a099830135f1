//! Comparison of two accounts: that of the queue, kept by the database itself, and that of all pipelines
//! together.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use stage_core::Report;
use stage_sqlite::JobId;

use crate::ATTEMPTS;

/// The totals of all pipelines of one seed.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) pipelines: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    pub(crate) rejected: u64,
    pub(crate) restarts: u64,
    /// Stages that subscribed and cancelled their subscription.
    pub(crate) visits: u64,
    /// Stages that were stopped or cut off from outside.
    pub(crate) blows: u64,
    pub(crate) redelivered: u64,
    pub(crate) dead: u64,
    /// Jobs whose lease expired while they were in hand.
    pub(crate) expired: u64,
    /// The longest time without progress.
    pub(crate) longest: Duration,
    /// Maximum growth of memory in bytes.
    pub(crate) grown: usize,
}

impl Books {
    pub(crate) fn add(&mut self, report: &Report) {
        let settlement = &report.settlement;
        assert_eq!((settlement.untold, settlement.open()), (0, 0), "{settlement}: {:?}", settlement.errors);
        self.pipelines += 1;
        self.delivered += settlement.delivered;
        self.acknowledged += settlement.acknowledged;
        self.rejected += settlement.rejected;
        self.restarts += report.stages.iter().map(|stage| stage.restarts).sum::<u64>();
    }

    /// Checks that every kind of fault occurred; short runs are exempt.
    pub(crate) fn expect_trouble(&self, seed: u64, jobs: u64) {
        assert!(self.rejected > 0 && self.restarts > 0, "seed {seed}: nothing happened: {self}");
        if jobs >= 10_000 {
            let all = [self.visits, self.blows, self.redelivered, self.dead, self.pipelines - 1];
            assert!(all.iter().all(|&count| count > 0), "seed {seed}: not enough happened: {self}");
        }
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pipelines, delivered, acknowledged, rejected, restarts, .. } = self;
        write!(
            f,
            "{pipelines} pipelines, {restarts} restarts, {} visits, {} blows; ",
            self.visits, self.blows
        )?;
        write!(f, "{delivered} delivered, {acknowledged} acknowledged, {rejected} rejected, ")?;
        write!(f, "{} again, {} dead, {} expired; ", self.redelivered, self.dead, self.expired)?;
        write!(f, "grew by {} KiB, stood still for at most {:.1?}", self.grown >> 10, self.longest)
    }
}

/// A table in which a trigger of the database records each job that leaves the queue, whatever removes it.
pub(crate) struct Ledger {
    connection: Connection,
}

impl Ledger {
    pub(crate) fn kept_in(file: &Path) -> Self {
        let connection = Connection::open(file).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        let keep = "
            CREATE TABLE expired (id INTEGER);
            CREATE TRIGGER expires AFTER UPDATE ON jobs
            WHEN old.lessee IS NOT NULL AND new.lessee IS NOT NULL AND new.leases > old.leases BEGIN
                INSERT INTO expired VALUES (old.id);
            END;
            CREATE TABLE departed (id INTEGER, leases INTEGER, attempts INTEGER, dead INTEGER);
            CREATE TRIGGER departs AFTER DELETE ON jobs BEGIN
                INSERT INTO departed VALUES
                (old.id, old.leases, old.attempts, EXISTS (SELECT 1 FROM jobs_dead WHERE id = old.id));
            END";
        connection.execute_batch(keep).unwrap();
        Self { connection }
    }

    fn number(&self, what: &str) -> u64 {
        self.connection.query_row(&format!("SELECT {what}"), [], |row| row.get(0)).unwrap()
    }

    /// Returns the jobs that were leased again while they were leased: their leases had expired.
    pub(crate) fn expired(&self) -> BTreeSet<JobId> {
        let mut expired = self.connection.prepare("SELECT id FROM expired").unwrap();
        let expired = expired.query_map([], |row| row.get(0).map(JobId)).unwrap();
        expired.map(Result::unwrap).collect()
    }

    pub(crate) fn expect_agreement(&self, jobs: u64, dead: u64, handled: u64, books: &mut Books) {
        let check: String =
            self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        assert_eq!(self.number("count(*) FROM departed"), jobs, "each job left");
        assert_eq!(self.number("count(DISTINCT id) FROM departed"), jobs, "each job left once");
        assert_eq!(self.number("count(*) FROM departed WHERE dead"), dead);
        assert!(self.number("max(attempts) FROM departed") <= u64::from(ATTEMPTS));
        // Every lease of the queue is a delivery of a pipeline, so repeated deliveries are counted, too.
        let leases = self.number("sum(leases) FROM departed");
        assert_eq!(books.delivered, books.acknowledged + books.rejected);
        assert_eq!(handled, books.acknowledged);
        // An expired lease may never have been delivered, and a job handled twice was acknowledged twice.
        let ran_out = self.number("count(*) FROM expired");
        assert!((books.delivered..=books.delivered + ran_out).contains(&leases), "{leases} leases: {books}");
        let done = jobs - dead;
        assert!((done..=done + ran_out).contains(&books.acknowledged), "{done} are done: {books}");
        (books.redelivered, books.dead) = (leases - jobs, dead);
    }
}
