//! The SQL statements of an edge, for its tables beside those of a queue.

use std::sync::Arc;

use crate::queue::statements::named;

/// The statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) create: String,
    pub(super) exists: Arc<str>,
    pub(super) lock: Arc<str>,
    pub(super) put: Arc<str>,
    pub(super) forget: Arc<str>,
    pub(super) bury: Arc<str>,
    pub(super) dead: Arc<str>,
    pub(super) remove: Arc<str>,
    pub(super) note: Arc<str>,
    pub(super) new_note: Arc<str>,
    pub(super) put_note: Arc<str>,
    pub(super) remove_note: Arc<str>,
    pub(super) lag: Arc<str>,
}

impl Statements {
    /// `table` must be a checked name, because it is inserted without quoting.
    pub(super) fn of(table: &str) -> Self {
        let of = |statement: &str| Arc::from(named(statement, table));
        Self {
            create: named(CREATE, table),
            exists: of(EXISTS),
            lock: of(LOCK),
            put: of(PUT),
            forget: of(FORGET),
            bury: of(BURY),
            dead: of(DEAD),
            remove: of(REMOVE),
            note: of(NOTE),
            new_note: of(NEW_NOTE),
            put_note: of(PUT_NOTE),
            remove_note: of(REMOVE_NOTE),
            lag: of(LAG),
        }
    }
}

/// `$t_ids`: the ids of the frames and of the dead letters that were stored, each with the number that it got.
/// `revision` grows with each change of a note, and is never used again.
const CREATE: &str = "
CREATE TABLE IF NOT EXISTS $t_ids (
    job      bigint      PRIMARY KEY,
    lane     text        NOT NULL,
    id       text        NOT NULL,
    stored   timestamptz NOT NULL,
    UNIQUE (lane, id)
);
CREATE INDEX IF NOT EXISTS $n_ids_stored ON $t_ids (stored);
CREATE TABLE IF NOT EXISTS $t_notes (
    app      text        NOT NULL,
    name     text        NOT NULL,
    value    bytea       NOT NULL,
    revision bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (app, name)
);
CREATE INDEX IF NOT EXISTS $n_lane ON $t (lane, id);";

const EXISTS: &str = "SELECT to_regclass('$t_ids') IS NOT NULL AND to_regclass('$t_notes') IS NOT NULL";

/// Lets the senders of an edge store frames one after the other, so that the edge never holds more than it may.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('stage-postgres edge $t ' || $1::text, 0))";

/// Stores a frame, unless its id is known or there is no room for it. Returns whether it is stored.
const PUT: &str = "
WITH known AS (SELECT job FROM $t_ids WHERE lane = $1 AND id = $2),
     room AS (SELECT count(*) < $4::bigint AS is_left FROM (SELECT 1 FROM $t WHERE lane = $1 LIMIT $4) AS kept),
     new AS (
    INSERT INTO $t (lane, priority, payload, state, due)
    SELECT $1::text, 0, $3::bytea, 0, clock_timestamp() FROM room WHERE is_left AND NOT EXISTS (SELECT 1 FROM known)
    RETURNING id
), remembered AS (
    INSERT INTO $t_ids (job, lane, id, stored) SELECT id, $1::text, $2::text, clock_timestamp() FROM new
), notified AS (SELECT CASE WHEN $5::bool THEN pg_notify('$n', $1::text)::text END AS told FROM new)
SELECT EXISTS (SELECT 1 FROM known) OR EXISTS (SELECT 1 FROM new), (SELECT told FROM notified)";

/// Forgets the ids of frames that were handled `$2` seconds ago.
const FORGET: &str = "
DELETE FROM $t_ids AS ids
WHERE lane = $1 AND stored < clock_timestamp() - $2::float8 * interval '1 second'
      AND NOT EXISTS (SELECT 1 FROM $t AS job WHERE job.id = ids.job)
      AND NOT EXISTS (SELECT 1 FROM $t_dead AS dead WHERE dead.id = ids.job)";

/// Stores a dead letter under the number of a job that never was, unless its id is known.
const BURY: &str = "
WITH new AS (
    INSERT INTO $t_ids (job, lane, id, stored)
    SELECT nextval(pg_get_serial_sequence('$t', 'id')), $1::text, $2::text, clock_timestamp()
    ON CONFLICT (lane, id) DO NOTHING
    RETURNING job
)
INSERT INTO $t_dead (id, lane, priority, payload, attempts, died, cause)
SELECT job, $1::text, 0, $3::bytea, $4::int4, clock_timestamp(), $5::text FROM new";

const DEAD: &str = "
SELECT id, payload, attempts, cause FROM $t_dead WHERE lane = $1 AND id > $2 ORDER BY id LIMIT $3";

const REMOVE: &str = "DELETE FROM $t_dead WHERE lane = $1 AND id = $2";

const NOTE: &str = "SELECT revision, value FROM $t_notes WHERE app = $1 AND name = $2";

const NEW_NOTE: &str = "
INSERT INTO $t_notes (app, name, value) VALUES ($1, $2, $3) ON CONFLICT (app, name) DO NOTHING RETURNING revision";

const PUT_NOTE: &str = "
UPDATE $t_notes SET value = $3, revision = DEFAULT WHERE app = $1 AND name = $2 AND revision = $4 RETURNING revision";

const REMOVE_NOTE: &str = "DELETE FROM $t_notes WHERE app = $1 AND name = $2 AND revision = $3";

const LAG: &str = "
SELECT count(*), coalesce(sum(octet_length(payload)), 0)::bigint,
       (SELECT extract(epoch FROM clock_timestamp() - stored)::float8 FROM $t_ids
        WHERE job = (SELECT min(id) FROM $t WHERE lane = $1))
FROM $t WHERE lane = $1";
