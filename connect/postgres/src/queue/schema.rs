//! The tables of a queue, their version, and their creation.

use stage_connect::ConnectError;

use super::statements::named;
use crate::link::Link;

/// The version of the tables. A change increments it and migrates.
const VERSION: i32 = 1;

/// `state`: 0 ready, 1 delayed until `due`, 2 leased until `due`, 3 behind an earlier job of its key, 4 new: it has a
/// key, and its place among the jobs of that key is not determined yet. `alone`: its process holds no other job while
/// it is leased. `uncounted`: the attempt of the current lease was taken back. `lessee`: null while no lease can be
/// settled; negative after the lease ran out.
///
/// Each partial index holds only the jobs that one search looks for, so that no search walks over jobs that wait for
/// something else. Few jobs are leased at a time, so their one index serves the rare searches by lessee as well.
const CREATE: &str = "
CREATE TABLE $t (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane      text        NOT NULL,
    key       bytea,
    priority  integer     NOT NULL,
    payload   bytea       NOT NULL,
    headers   text,
    state     smallint    NOT NULL,
    due       timestamptz NOT NULL,
    alone     boolean     NOT NULL DEFAULT false,
    uncounted boolean     NOT NULL DEFAULT false,
    lessee    bigint,
    leases    bigint      NOT NULL DEFAULT 0,
    attempts  integer     NOT NULL DEFAULT 0,
    cause     text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX $n_ready ON $t (lane, priority DESC, attempts, id) WHERE state = 0 AND NOT alone;
CREATE INDEX $n_alone ON $t (lane, state, priority DESC, attempts, id) WHERE alone;
CREATE INDEX $n_delayed ON $t (due) WHERE state = 1;
CREATE INDEX $n_leased ON $t (due, lessee) WHERE state = 2;
CREATE INDEX $n_new ON $t (lane, id) WHERE state = 4;
CREATE INDEX $n_key ON $t (lane, key, id) WHERE key IS NOT NULL;
CREATE TABLE $t_dead (
    id        bigint      PRIMARY KEY,
    lane      text        NOT NULL,
    key       bytea,
    priority  integer     NOT NULL,
    payload   bytea       NOT NULL,
    headers   text,
    attempts  integer     NOT NULL,
    died      timestamptz NOT NULL,
    cause     text        NOT NULL
);
CREATE INDEX $n_dead_lane ON $t_dead (lane, id);
CREATE TABLE $t_schema (version integer NOT NULL);";

/// Two processes may set up the same database at once.
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('stage-postgres setup', 0))";

/// Creates the tables unless they exist in this version.
pub(super) async fn setup(link: &Link, table: &str, object: &str) -> Result<(), ConnectError> {
    let client = link.client();
    link.told("cannot begin the setup", client.batch_execute(&format!("BEGIN; {LOCK}")).await)?;
    let done = match version(link, table).await {
        Ok(None) => {
            let insert = format!("INSERT INTO {table}_schema (version) VALUES ({VERSION})");
            let create = format!("{}\n{insert}", named(CREATE, table));
            link.told("cannot create the tables", client.batch_execute(&create).await)
        }
        Ok(Some(version)) => judge(version, object),
        Err(error) => Err(error),
    };
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = link.told("cannot commit the setup", client.batch_execute(end).await);
    done.and(ended)
}

/// Refuses tables that are missing or of another version.
pub(super) async fn check(link: &Link, table: &str, object: &str) -> Result<(), ConnectError> {
    match version(link, table).await? {
        Some(version) => judge(version, object),
        None => Err(ConnectError::fatal(
            object,
            "the tables of the queue are missing",
            "call `Queue::setup` once",
        )),
    }
}

async fn version(link: &Link, table: &str) -> Result<Option<i32>, ConnectError> {
    let there = "SELECT to_regclass($1) IS NOT NULL";
    let name = format!("{table}_schema");
    let there = link.client().query_one(there, &[&name]).await.and_then(|row| row.try_get(0));
    if !link.told("cannot look for the tables", there)? {
        return Ok(None);
    }
    let version = format!("SELECT max(version) FROM {name}");
    let version = link.client().query_one(&version, &[]).await.and_then(|row| row.try_get(0));
    link.told("cannot read the version of the tables", version)
}

fn judge(version: i32, object: &str) -> Result<(), ConnectError> {
    match version {
        VERSION => Ok(()),
        _ => Err(ConnectError::fatal(
            object,
            format_args!("the tables have version {version}, and this program knows version {VERSION}"),
            "use the version of the program that set them up, or a later one",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_version_is_refused_in_one_line() {
        assert!(judge(VERSION, "postgres://host/db queue `jobs`").is_ok());
        let error = judge(VERSION + 1, "postgres://host/db queue `jobs`").expect_err("newer").to_string();
        let expected = "postgres://host/db queue `jobs`: the tables have version 2, and this program knows version 1; \
                        use the version of the program that set them up, or a later one";
        assert_eq!(error, expected);
    }
}
