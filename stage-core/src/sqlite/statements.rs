//! What is said to SQLite.

/// The statements of one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) create: String,
    pub(super) enqueue: String,
    pub(super) next: String,
    pub(super) take: String,
    pub(super) run_out: String,
    pub(super) keep: String,
    pub(super) remove: String,
    pub(super) unblock: String,
    pub(super) put_back: String,
    pub(super) bury: String,
    pub(super) counts: String,
    pub(super) is_empty: String,
    pub(super) dead: String,
    pub(super) take_dead: String,
    pub(super) leased: String,
    pub(super) release_all: String,
}

impl Statements {
    /// `table` is a name, not text of somebody else's.
    pub(super) fn of(table: &str) -> Self {
        Self {
            create: CREATE.replace("$t", table),
            enqueue: ENQUEUE.replace("$t", table),
            next: NEXT.replace("$t", table),
            take: TAKE.replace("$t", table),
            run_out: RUN_OUT.replace("$t", table),
            keep: KEEP.replace("$t", table),
            remove: REMOVE.replace("$t", table),
            unblock: UNBLOCK.replace("$t", table),
            put_back: PUT_BACK.replace("$t", table),
            bury: BURY.replace("$t", table),
            counts: COUNTS.replace("$t", table),
            is_empty: IS_EMPTY.replace("$t", table),
            dead: DEAD.replace("$t", table),
            take_dead: TAKE_DEAD.replace("$t", table),
            leased: LEASED.replace("$t", table),
            release_all: RELEASE_ALL.replace("$t", table),
        }
    }
}

/// `due`: when a waiting job can be leased, or when a lease runs out, in milliseconds since 1970. `blocked`: there is
/// an earlier job of the same key (invariant 3), so that looking for the next job never walks over them.
const CREATE: &str = "
CREATE TABLE IF NOT EXISTS $t (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    lane     TEXT    NOT NULL,
    key      BLOB,
    priority INTEGER NOT NULL,
    payload  BLOB    NOT NULL,
    due      INTEGER NOT NULL,
    blocked  INTEGER NOT NULL,
    lessee   INTEGER,
    leases   INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    cause    TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS $t_next ON $t (lane, priority DESC, attempts, id) WHERE blocked = 0;
CREATE INDEX IF NOT EXISTS $t_key ON $t (lane, key, id) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS $t_leased ON $t (lessee, due) WHERE lessee IS NOT NULL;
CREATE TABLE IF NOT EXISTS $t_dead (
    id       INTEGER PRIMARY KEY,
    lane     TEXT    NOT NULL,
    key      BLOB,
    priority INTEGER NOT NULL,
    payload  BLOB    NOT NULL,
    attempts INTEGER NOT NULL,
    died     INTEGER NOT NULL,
    cause    TEXT    NOT NULL
) STRICT;
";

const ENQUEUE: &str = "
INSERT INTO $t (lane, key, priority, payload, due, blocked)
VALUES (?1, ?2, ?3, ?4, ?5, ?2 IS NOT NULL AND EXISTS (SELECT 1 FROM $t WHERE lane = ?1 AND key = ?2))
RETURNING id";

const NEXT: &str = "
SELECT id FROM $t WHERE lane = ?1 AND blocked = 0 AND due <= ?2
ORDER BY priority DESC, attempts, id LIMIT ?3";

const TAKE: &str = "
UPDATE $t SET lessee = ?2, due = ?3, leases = leases + 1, attempts = attempts + 1 WHERE id = ?1
RETURNING payload, key, attempts, leases";

const RUN_OUT: &str = "
SELECT id, leases FROM $t WHERE lessee IS NOT NULL AND due <= ?1 AND attempts >= ?2 AND lane = ?3";

const KEEP: &str = "UPDATE $t SET due = ?2 WHERE lessee = ?1";

const REMOVE: &str = "
DELETE FROM $t WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL RETURNING lane, key";

const UNBLOCK: &str = "
UPDATE $t SET blocked = 0 WHERE id = (SELECT min(id) FROM $t WHERE lane = ?1 AND key = ?2)";

const PUT_BACK: &str = "
UPDATE $t SET lessee = NULL, due = ?3, attempts = attempts - ?4, cause = coalesce(?5, cause)
WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL";

const BURY: &str = "
INSERT INTO $t_dead (id, lane, key, priority, payload, attempts, died, cause)
SELECT id, lane, key, priority, payload, attempts, ?3, ?4 FROM $t
WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL";

const COUNTS: &str = "
SELECT (SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NULL),
       (SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NOT NULL),
       (SELECT count(*) FROM $t_dead WHERE lane = ?1)";

/// The earliest job of each key is not blocked, so that the index of those that can be leased knows.
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT 1 FROM $t WHERE lane = ?1 AND blocked = 0)";

const DEAD: &str = "
SELECT id, payload, key, attempts, cause FROM $t_dead WHERE lane = ?1 ORDER BY id LIMIT ?2";

const TAKE_DEAD: &str = "DELETE FROM $t_dead WHERE id = ?1 RETURNING lane, key, priority, payload";

const LEASED: &str = "SELECT leases, attempts FROM $t WHERE id = ?1 AND lessee IS NOT NULL";

const RELEASE_ALL: &str = "UPDATE $t SET lessee = NULL, due = ?1 WHERE lessee IS NOT NULL RETURNING id";
