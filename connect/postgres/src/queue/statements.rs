//! The SQL statements of a queue. `schema.rs` explains the columns.

use std::sync::Arc;

/// The statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) enqueue: Arc<str>,
    pub(super) look: Arc<str>,
    pub(super) take_at_once: Arc<str>,
    pub(super) take: Arc<str>,
    pub(super) take_alone: Arc<str>,
    pub(super) promote: Arc<str>,
    pub(super) lock_window: Arc<str>,
    pub(super) unlock_window: Arc<str>,
    pub(super) in_flight: Arc<str>,
    pub(super) lock_ends: Arc<str>,
    pub(super) uncount: Arc<str>,
    pub(super) let_go: Arc<str>,
    pub(super) lock_keys: Arc<str>,
    pub(super) place: Arc<str>,
    pub(super) keep: Arc<str>,
    pub(super) remove: Arc<str>,
    pub(super) remove_of_one_lease: Arc<str>,
    pub(super) remove_keyed: Arc<str>,
    pub(super) put_back: Arc<str>,
    pub(super) bury: Arc<str>,
    pub(super) counts: Arc<str>,
    pub(super) is_empty: Arc<str>,
    pub(super) dead: Arc<str>,
    pub(super) forget: Arc<str>,
    pub(super) revive: Arc<str>,
}

/// Inserts the name of a table: `$t` with its schema, `$n` without.
pub(crate) fn named(statement: &str, table: &str) -> String {
    let bare = table.rsplit('.').next().unwrap_or(table);
    statement.replace("$t", table).replace("$n", bare)
}

impl Statements {
    /// `table` must be a checked name, because it is inserted without quoting.
    pub(super) fn of(table: &str) -> Self {
        let of = |statement: &str| Arc::from(named(statement, table));
        Self {
            enqueue: of(ENQUEUE),
            look: of(LOOK),
            lock_window: of(&WINDOW.replace("$do", "pg_advisory_lock")),
            unlock_window: of(&WINDOW.replace("$do", "pg_advisory_unlock")),
            in_flight: of(IN_FLIGHT),
            take_at_once: of(&TAKE.replace("$which", AT_ONCE)),
            take: of(&TAKE.replace("$which", READY)),
            take_alone: of(&TAKE.replace("$which", ALONE)),
            promote: of(PROMOTE),
            lock_ends: of(LOCK_ENDS),
            uncount: of(UNCOUNT),
            let_go: of(LET_GO),
            lock_keys: of(LOCK_KEYS),
            place: of(PLACE),
            keep: of(KEEP),
            remove: of(REMOVE),
            remove_of_one_lease: of(REMOVE_OF_ONE_LEASE),
            remove_keyed: of(REMOVE_KEYED),
            put_back: of(PUT_BACK),
            bury: of(BURY),
            counts: of(COUNTS),
            is_empty: of(IS_EMPTY),
            dead: of(DEAD),
            forget: of(FORGET),
            revive: of(REVIVE),
        }
    }
}

/// Adds jobs in their order. The next look for jobs places those with a key: placing
/// them here would hold a lock until the end of the caller's transaction.
const ENQUEUE: &str = "
WITH new AS (
    INSERT INTO $t (lane, key, priority, payload, headers, state, due)
    SELECT $1, key, priority, payload, headers,
           CASE WHEN key IS NOT NULL THEN 4 WHEN delay > 0 THEN 1 ELSE 0 END,
           clock_timestamp() + delay * interval '1 second'
    FROM unnest($2::bytea[], $3::int4[], $4::bytea[], $5::text[], $6::float8[])
         WITH ORDINALITY AS jobs (key, priority, payload, headers, delay, place)
    ORDER BY place
    RETURNING id
)
SELECT array_agg(id ORDER BY id), CASE WHEN $7 THEN pg_notify('$n', $1)::text END FROM new";

/// The seconds until the next time in the table; whether jobs are to be placed; whether the process holds a job that
/// must be alone; the first job that must be alone, since when it waits, and whether the process holds any; the first
/// other job.
const LOOK: &str = "
SELECT extract(epoch FROM least((SELECT due FROM $t WHERE state = 1 ORDER BY due LIMIT 1),
                                (SELECT due FROM $t WHERE state = 2 ORDER BY due LIMIT 1)) - clock_timestamp())::float8,
       EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 4),
       EXISTS (SELECT 1 FROM $t WHERE alone AND lane = $1 AND state = 2 AND lessee BETWEEN $2 AND $3),
       alone.priority, alone.attempts, alone.id, alone.waited,
       CASE WHEN alone.id IS NOT NULL
            THEN EXISTS (SELECT 1 FROM $t WHERE state = 2 AND lessee BETWEEN $2 AND $3) END,
       ready.priority, ready.attempts, ready.id
FROM (SELECT 1) AS one
LEFT JOIN (SELECT id, priority, attempts, extract(epoch FROM clock_timestamp() - due)::float8 AS waited FROM $t
           WHERE alone AND lane = $1 AND state = 0
           ORDER BY priority DESC, attempts, id LIMIT 1) AS alone ON true
LEFT JOIN (SELECT id, priority, attempts FROM $t
           WHERE lane = $1 AND state = 0 AND NOT alone
           ORDER BY priority DESC, attempts, id LIMIT 1) AS ready ON true";

/// Leases jobs that no other process has locked.
const TAKE: &str = "
WITH next AS MATERIALIZED (
    SELECT id FROM $t WHERE $which
    ORDER BY priority DESC, attempts, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE $t AS job
SET state = 2, lessee = $3, due = clock_timestamp() + $4 * interval '1 second', leases = leases + 1,
    attempts = attempts + 1, uncounted = false
FROM next WHERE job.id = next.id
RETURNING job.id, job.payload, job.key, job.headers, job.priority, job.attempts, job.leases";

const READY: &str = "lane = $1 AND state = 0 AND NOT alone";

/// Nothing is due, new or alone, so a look would lead to the same jobs.
const AT_ONCE: &str = "lane = $1 AND state = 0 AND NOT alone
      AND NOT EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 4)
      AND NOT EXISTS (SELECT 1 FROM $t WHERE alone AND lane = $1 AND state = 0)
      AND NOT EXISTS (SELECT 1 FROM $t WHERE alone AND lane = $1 AND state = 2
                      AND lessee BETWEEN $3 & ~4294967295::int8 AND $3 | 4294967295)
      AND NOT EXISTS (SELECT 1 FROM $t WHERE state = 1 AND due <= now())
      AND NOT EXISTS (SELECT 1 FROM $t WHERE state = 2 AND due <= now())";

const ALONE: &str = "lane = $1 AND state = 0 AND alone";

/// Protects the number of leased jobs of a lane, where it is limited.
const WINDOW: &str = "SELECT $do(hashtextextended('stage-postgres window $t ' || $1::text, 0))";

const IN_FLIGHT: &str = "SELECT count(*) FROM $t WHERE lane = $1 AND state = 2 AND due > clock_timestamp()";

/// Makes delayed jobs ready.
const PROMOTE: &str = "
WITH over AS MATERIALIZED (
    SELECT id FROM $t WHERE state = 1 AND due <= now() ORDER BY due LIMIT 10000 FOR UPDATE SKIP LOCKED
)
UPDATE $t AS job SET state = 0 FROM over WHERE job.id = over.id";

/// One process at a time ends the leases that ran out.
const LOCK_ENDS: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('stage-postgres ends $t', 0))";

/// Takes back the attempts of all jobs of a process that holds several, once one of its leases ran out: it is unknown
/// which of them ended the process.
const UNCOUNT: &str = "
UPDATE $t AS job SET attempts = greatest(job.attempts - 1, 0), alone = true, uncounted = true
FROM (SELECT process, (SELECT count(*) FROM (SELECT 1 FROM $t AS held WHERE held.state = 2
              AND held.lessee BETWEEN process << 32 AND (process << 32) + 4294967295 LIMIT 2) AS two) AS held
      FROM (SELECT DISTINCT lessee >> 32 AS process FROM $t WHERE state = 2 AND due <= now()) AS ended
     ) AS ended
WHERE ended.held > 1 AND job.state = 2 AND NOT job.uncounted
      AND job.lessee BETWEEN ended.process << 32 AND (ended.process << 32) + 4294967295";

/// Ends the leases that ran out; they can still be settled until the job is leased again.
const LET_GO: &str = "
WITH over AS MATERIALIZED (
    SELECT id FROM $t WHERE state = 2 AND due <= now() ORDER BY due LIMIT 10000 FOR UPDATE SKIP LOCKED
)
UPDATE $t AS job SET state = 0, alone = true, lessee = -1, cause = 'its lease ran out'
FROM over WHERE job.id = over.id";

/// Protects the order of the jobs of a key, until the end of a short transaction.
const LOCK_KEYS: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('stage-postgres keys $t ' || $1::text, 0))";

/// Places new jobs: the first of a key is available, the others are behind it.
const PLACE: &str = "
UPDATE $t AS job
SET state = CASE WHEN new.nth > 1 OR (SELECT id FROM $t AS other WHERE other.lane = $1 AND other.key = new.key
                                             AND other.state <> 4 LIMIT 1) IS NOT NULL THEN 3
                 WHEN job.due > now() THEN 1 ELSE 0 END
FROM (SELECT id, key, row_number() OVER (PARTITION BY key ORDER BY id) AS nth
      FROM (SELECT id, key FROM $t WHERE lane = $1 AND state = 4 ORDER BY id LIMIT 10000) AS few) AS new
WHERE job.id = new.id AND job.state = 4";

/// Renews leases that have not been given to others.
const KEEP: &str = "
UPDATE $t AS job SET due = clock_timestamp() + $3 * interval '1 second'
FROM unnest($1::int8[], $2::int8[]) AS open (id, lease)
WHERE job.id = open.id AND job.leases = open.lease AND job.state = 2";

const REMOVE: &str = "
DELETE FROM $t AS job USING unnest($1::int8[], $2::int8[]) AS done (id, lease)
WHERE job.id = done.id AND job.leases = done.lease AND job.lessee IS NOT NULL";

/// Removes jobs whose leases have the same number, as most of a batch have. Costs two thirds of `REMOVE`.
const REMOVE_OF_ONE_LEASE: &str =
    "DELETE FROM $t WHERE id = ANY($1::int8[]) AND leases = $2::int8 AND lessee IS NOT NULL";

/// Removes jobs with keys, and makes the next of each key available.
const REMOVE_KEYED: &str = "
WITH gone AS (
    DELETE FROM $t AS job USING unnest($1::int8[], $2::int8[]) AS done (id, lease)
    WHERE job.id = done.id AND job.leases = done.lease AND job.lessee IS NOT NULL
    RETURNING job.lane, job.key
)
UPDATE $t SET state = CASE WHEN due > now() THEN 1 ELSE 0 END
WHERE state = 3 AND id IN (
    SELECT (SELECT next.id FROM $t AS next WHERE next.lane = gone.lane AND next.key = gone.key AND next.state = 3
            ORDER BY next.id LIMIT 1) FROM gone WHERE gone.key IS NOT NULL)";

/// Returns jobs to the queue; a failed one need not be alone any more.
const PUT_BACK: &str = "
UPDATE $t AS job
SET state = CASE WHEN back.delay > 0 THEN 1 ELSE 0 END, due = clock_timestamp() + back.delay * interval '1 second',
    lessee = NULL, attempts = back.attempts, alone = job.alone AND NOT back.failed, uncounted = false
FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::float8[], $5::bool[]) AS back (id, lease, attempts, delay, failed)
WHERE job.id = back.id AND job.leases = back.lease AND job.lessee IS NOT NULL";

/// Moves jobs to the dead ones, and makes the next of each key available.
const BURY: &str = "
WITH gone AS (
    DELETE FROM $t AS job USING unnest($1::int8[], $2::int8[], $3::int4[], $4::text[])
                                AS dead (id, lease, attempts, cause)
    WHERE job.id = dead.id AND job.leases = dead.lease AND job.lessee IS NOT NULL
    RETURNING job.id, job.lane, job.key, job.priority, job.payload, job.headers, dead.attempts, dead.cause
), buried AS (
    INSERT INTO $t_dead (id, lane, key, priority, payload, headers, attempts, died, cause)
    SELECT id, lane, key, priority, payload, headers, attempts, clock_timestamp(), cause FROM gone
)
UPDATE $t SET state = CASE WHEN due > now() THEN 1 ELSE 0 END
WHERE state = 3 AND id IN (
    SELECT (SELECT next.id FROM $t AS next WHERE next.lane = gone.lane AND next.key = gone.key AND next.state = 3
            ORDER BY next.id LIMIT 1) FROM gone WHERE gone.key IS NOT NULL)";

const COUNTS: &str = "
SELECT count(*) FILTER (WHERE state <> 2), count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 2),
       (SELECT count(*) FROM $t_dead WHERE lane = $1)
FROM $t WHERE lane = $1";

/// A job behind another of its key is not looked for: the other one is found.
const IS_EMPTY: &str = "
SELECT NOT (EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 0 AND NOT alone)
         OR EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND alone)
         OR EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 4)
         OR EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 1)
         OR EXISTS (SELECT 1 FROM $t WHERE lane = $1 AND state = 2))";

const DEAD: &str = "
SELECT id, payload, key, headers, attempts, cause FROM $t_dead WHERE lane = $1 ORDER BY id LIMIT $2";

const FORGET: &str = "DELETE FROM $t_dead WHERE id = $1";

/// Enqueues a dead job again, as a new one.
const REVIVE: &str = "
WITH dead AS (DELETE FROM $t_dead WHERE id = $1 RETURNING lane, key, priority, payload, headers),
     new AS (
    INSERT INTO $t (lane, key, priority, payload, headers, state, due)
    SELECT lane, key, priority, payload, headers, CASE WHEN key IS NOT NULL THEN 4 ELSE 0 END, clock_timestamp()
    FROM dead RETURNING id, lane
)
SELECT id, CASE WHEN $2 THEN pg_notify('$n', lane)::text END FROM new";
