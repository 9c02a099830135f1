//! The SQL statements of an edge, for its tables beside those of a queue.

use crate::statements::FREE;

/// The statements for one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) create: String,
    pub(super) is_known: String,
    pub(super) kept: String,
    pub(super) remember: String,
    pub(super) forget: String,
    pub(super) take_number: String,
    pub(super) bury: String,
    pub(super) dead: String,
    pub(super) remove: String,
    pub(super) note: String,
    pub(super) put_note: String,
    pub(super) remove_note: String,
    pub(super) lag: String,
}

impl Statements {
    /// `table` must be a checked name, because it is inserted without quoting.
    pub(super) fn of(table: &str) -> Self {
        let of = |statement: &str| statement.replace("$t", table).replace("$free", FREE);
        Self {
            create: of(CREATE),
            is_known: of(IS_KNOWN),
            kept: of(KEPT),
            remember: of(REMEMBER),
            forget: of(FORGET),
            take_number: of(TAKE_NUMBER),
            bury: of(BURY),
            dead: of(DEAD),
            remove: of(REMOVE),
            note: of(NOTE),
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
    job      INTEGER PRIMARY KEY,
    lane     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    stored   INTEGER NOT NULL,
    UNIQUE (lane, id)
) STRICT;
CREATE INDEX IF NOT EXISTS $t_ids_stored ON $t_ids (stored);
CREATE TABLE IF NOT EXISTS $t_notes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    app      TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    value    BLOB    NOT NULL,
    UNIQUE (app, name)
) STRICT;
CREATE INDEX IF NOT EXISTS $t_dead_lane ON $t_dead (lane, id);
";

const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM $t_ids WHERE lane = ?1 AND id = ?2)";

/// The number of frames; of those that wait, at most `?2` are counted. Frames have no keys, so none is blocked.
const KEPT: &str = "
SELECT (SELECT count(*) FROM (SELECT 1 FROM $t WHERE lane = ?1 AND $free LIMIT ?2))
       + (SELECT count(*) FROM $t WHERE lessee IS NOT NULL AND lessee >= 0 AND lane = ?1)";

const REMEMBER: &str = "INSERT INTO $t_ids (job, lane, id, stored) VALUES (?1, ?2, ?3, ?4)";

/// Forgets the ids of frames that were handled before `?2`.
const FORGET: &str = "
DELETE FROM $t_ids
WHERE lane = ?1 AND stored < ?2
      AND NOT EXISTS (SELECT 1 FROM $t WHERE $t.id = $t_ids.job)
      AND NOT EXISTS (SELECT 1 FROM $t_dead WHERE $t_dead.id = $t_ids.job)";

/// A dead letter has the number of a job that never was.
const TAKE_NUMBER: &str = "DELETE FROM $t WHERE id = ?1";

const BURY: &str = "
INSERT INTO $t_dead (id, lane, priority, payload, attempts, died, cause) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)";

const DEAD: &str = "
SELECT id, payload, attempts, cause FROM $t_dead WHERE lane = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

const REMOVE: &str = "DELETE FROM $t_dead WHERE lane = ?1 AND id = ?2";

const NOTE: &str = "SELECT revision, value FROM $t_notes WHERE app = ?1 AND name = ?2";

const PUT_NOTE: &str = "INSERT OR REPLACE INTO $t_notes (app, name, value) VALUES (?1, ?2, ?3)";

const REMOVE_NOTE: &str = "DELETE FROM $t_notes WHERE revision = ?1";

const LAG: &str = "
WITH frames AS (
    SELECT id, length(payload) AS size FROM $t WHERE lane = ?1 AND $free
    UNION ALL
    SELECT id, length(payload) FROM $t WHERE lessee IS NOT NULL AND lessee >= 0 AND lane = ?1
)
SELECT count(*), coalesce(sum(size), 0),
       (SELECT stored FROM $t_ids WHERE job = (SELECT min(id) FROM frames))
FROM frames";
