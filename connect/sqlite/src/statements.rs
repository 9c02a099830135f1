//! The SQL statements of a queue.

/// The statements for one table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) create: String,
    pub(crate) enqueue: String,
    pub(crate) enqueue_together: String,
    pub(crate) first: String,
    pub(crate) next: String,
    pub(crate) hand: String,
    pub(crate) by_id: String,
    pub(crate) take: String,
    pub(crate) run_out: String,
    pub(crate) company: String,
    pub(crate) uncount: String,
    pub(crate) let_go: String,
    pub(crate) keep: String,
    pub(crate) keep_late: String,
    pub(crate) keep_all: String,
    pub(crate) key: String,
    pub(crate) remove: String,
    pub(crate) unblock: String,
    pub(crate) put_back: String,
    pub(crate) bury: String,
    pub(crate) counts: String,
    pub(crate) in_flight: String,
    pub(crate) is_empty: String,
    pub(crate) dead: String,
    pub(crate) take_dead: String,
    pub(crate) leased: String,
    pub(crate) release_all: String,
    pub(crate) latest: String,
    pub(crate) note: String,
    pub(crate) set_back: String,
    pub(crate) due_at_once: String,
    pub(crate) shorten: String,
}

impl Statements {
    /// `table` must be a checked name, because it is inserted without quoting.
    pub(crate) fn of(table: &str) -> Self {
        Self {
            create: CREATE.replace("$t", table).replace("$free", FREE),
            enqueue: ENQUEUE.replace("$t", table),
            enqueue_together: enqueue_together(table),
            first: FIRST.replace("$t", table).replace("$free", FREE),
            next: NEXT.replace("$t", table).replace("$free", FREE),
            hand: HAND.replace("$t", table),
            by_id: BY_ID.replace("$t", table),
            take: TAKE.replace("$t", table),
            run_out: RUN_OUT.replace("$t", table),
            company: COMPANY.replace("$t", table),
            uncount: UNCOUNT.replace("$t", table),
            let_go: LET_GO.replace("$t", table),
            keep: KEEP.replace("$t", table),
            keep_late: KEEP_LATE.replace("$t", table),
            keep_all: KEEP_ALL.replace("$t", table),
            key: KEY.replace("$t", table),
            remove: REMOVE.replace("$t", table),
            unblock: UNBLOCK.replace("$t", table),
            put_back: PUT_BACK.replace("$t", table),
            bury: BURY.replace("$t", table),
            counts: COUNTS.replace("$t", table),
            in_flight: IN_FLIGHT.replace("$t", table),
            is_empty: IS_EMPTY.replace("$t", table).replace("$free", FREE),
            dead: DEAD.replace("$t", table),
            take_dead: TAKE_DEAD.replace("$t", table),
            leased: LEASED.replace("$t", table),
            release_all: RELEASE_ALL.replace("$t", table),
            latest: LATEST.replace("$t", table),
            note: NOTE.replace("$t", table),
            set_back: SET_BACK.replace("$t", table),
            due_at_once: DUE_AT_ONCE.replace("$t", table),
            shorten: SHORTEN.replace("$t", table),
        }
    }
}

/// `due`: the time in milliseconds since 1970 from which a waiting job can be leased (0: immediately), or at
/// which a lease runs out. `blocked`: an earlier job has the same key (invariant 3), so that the search for
/// the next job never scans blocked ones. `latest`: the latest time of any write, accurate to a second.
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
DROP INDEX IF EXISTS $t_next;
CREATE INDEX IF NOT EXISTS $t_free ON $t (lane, priority DESC, attempts, id) WHERE $free;
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
CREATE TABLE IF NOT EXISTS $t_clock (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    latest   INTEGER NOT NULL
) STRICT;
";

const ENQUEUE: &str = "
INSERT INTO $t (lane, key, priority, payload, due, blocked)
VALUES (?1, ?2, ?3, ?4, 0, ?2 IS NOT NULL AND EXISTS (SELECT 1 FROM $t WHERE lane = ?1 AND key = ?2))";

/// The number of jobs without keys that one statement adds: most of the cost of a statement that adds one job is that of
/// the statement.
pub(crate) const TOGETHER: usize = 20;

/// Adds jobs without keys: the lane, then the priority and the payload of each.
fn enqueue_together(table: &str) -> String {
    let row = |index: usize| format!("(?1, ?{}, ?{}, 0, 0)", 2 + 2 * index, 3 + 2 * index);
    let rows: Vec<String> = (0..TOGETHER).map(row).collect();
    format!("INSERT INTO {table} (lane, priority, payload, due, blocked) VALUES {}", rows.join(", "))
}

/// Jobs of which no live lease is known, and that wait for no other: the condition of the index of available jobs. The
/// lessee of a lease that ran out is negative.
pub(crate) const FREE: &str = "blocked = 0 AND (lessee IS NULL OR lessee < 0)";

/// The first job that can be leased, and whether it must be alone (invariant 5): its lease ran out, or this
/// is the last of several attempts.
const FIRST: &str = "
SELECT id, due, coalesce(cause, '') IN ('its lease ran out', 'uncounted') OR (?3 > 1 AND attempts + 1 >= ?3) FROM $t
WHERE lane = ?1 AND $free AND due <= ?2
ORDER BY priority DESC, attempts, id LIMIT 1";

/// Jobs that may be leased together with others.
const NEXT: &str = "
SELECT id, payload, key, attempts, leases FROM $t
WHERE lane = ?1 AND $free AND due <= ?2
      AND NOT (coalesce(cause, '') IN ('its lease ran out', 'uncounted') OR (?3 > 1 AND attempts + 1 >= ?3))
ORDER BY priority DESC, attempts, id LIMIT ?4";

const BY_ID: &str = "SELECT id, payload, key, attempts, leases FROM $t WHERE id = ?1";

/// Whether the jobs leased to a process must be alone; two rows suffice to know that they need not.
const HAND: &str = "
SELECT coalesce(cause, '') IN ('its lease ran out', 'uncounted') OR (?4 > 1 AND attempts >= ?4) FROM $t
WHERE lessee BETWEEN ?1 AND ?2 AND due > ?3 LIMIT 2";

/// Leases a run of jobs. Statements that run for few jobs each have no `RETURNING`, for which SQLite opens a temporary table
/// each time.
const TAKE: &str = "
UPDATE $t SET lessee = ?3, due = ?4, leases = leases + 1, attempts = attempts + 1,
              cause = iif(cause IS 'uncounted', 'its lease ran out', cause)
WHERE id BETWEEN ?1 AND ?2";

const RUN_OUT: &str = "
SELECT id, leases, lessee, attempts, key IS NOT NULL FROM $t
WHERE lessee IS NOT NULL AND lessee > ?1 AND due <= ?2 AND lane = ?3 ORDER BY lessee, id";

const COMPANY: &str = "SELECT count(*) FROM (SELECT 1 FROM $t WHERE lessee BETWEEN ?1 AND ?2 LIMIT 2)";

/// Takes the attempts of all jobs of a process back, once: jobs whose leases are still to run out keep their
/// lessee, and are recognised by their cause.
const UNCOUNT: &str = "
UPDATE $t SET attempts = max(attempts - 1, 0), cause = 'uncounted'
WHERE lessee BETWEEN ?1 AND ?2 AND cause IS NOT 'uncounted'";

const LET_GO: &str = "
UPDATE $t SET lessee = ?2, cause = 'its lease ran out' WHERE id = ?1 RETURNING attempts";

const KEEP: &str = "UPDATE $t SET due = ?2 WHERE lessee = ?1";

const KEEP_LATE: &str = "UPDATE $t SET due = ?2 WHERE lessee = ?1 AND due <= ?3";

const KEEP_ALL: &str = "UPDATE $t SET due = ?2 WHERE lessee IS NOT NULL AND lessee > ?1 AND due < ?2";

const KEY: &str =
    "SELECT lane, key FROM $t WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL AND key IS NOT NULL";

/// Removes a run of jobs with the same number of leases.
const REMOVE: &str = "DELETE FROM $t WHERE id BETWEEN ?1 AND ?2 AND leases = ?3 AND lessee IS NOT NULL";

const UNBLOCK: &str = "
UPDATE $t SET blocked = 0 WHERE id = (SELECT min(id) FROM $t WHERE lane = ?1 AND key = ?2)";

const PUT_BACK: &str = "
UPDATE $t SET lessee = NULL, due = ?3, attempts = ?4, cause = coalesce(?5, cause)
WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL";

const BURY: &str = "
INSERT INTO $t_dead (id, lane, key, priority, payload, attempts, died, cause)
SELECT id, lane, key, priority, payload, ?5, ?3, ?4 FROM $t
WHERE id = ?1 AND leases = ?2 AND lessee IS NOT NULL";

const COUNTS: &str = "
SELECT (SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NULL),
       (SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NOT NULL),
       (SELECT count(*) FROM $t_dead WHERE lane = ?1),
       (SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NULL AND blocked = 1)";

const IN_FLIGHT: &str = "SELECT count(*) FROM $t WHERE lane = ?1 AND lessee IS NOT NULL AND due > ?2";

/// The earliest job of each key is not blocked, so the indexes of available and of leased jobs suffice.
const IS_EMPTY: &str = "
SELECT NOT EXISTS (SELECT 1 FROM $t WHERE lane = ?1 AND $free)
       AND NOT EXISTS (SELECT 1 FROM $t WHERE lessee IS NOT NULL AND lessee >= 0 AND lane = ?1)";

const DEAD: &str = "
SELECT id, payload, key, attempts, cause FROM $t_dead WHERE lane = ?1 ORDER BY id LIMIT ?2";

const TAKE_DEAD: &str = "DELETE FROM $t_dead WHERE id = ?1 RETURNING lane, key, priority, payload";

const LEASED: &str = "SELECT leases, attempts, key IS NOT NULL FROM $t WHERE id = ?1 AND lessee IS NOT NULL";

const RELEASE_ALL: &str = "UPDATE $t SET lessee = NULL, due = 0 WHERE lessee IS NOT NULL RETURNING id";

const LATEST: &str = "SELECT latest FROM $t_clock";

const NOTE: &str = "INSERT OR REPLACE INTO $t_clock (id, latest) VALUES (1, ?1)";

const SET_BACK: &str = "UPDATE $t SET due = max(due - ?1, 0) WHERE due > ?2";

/// For files of earlier versions, in which a new job was due at the time of its writer.
const DUE_AT_ONCE: &str = "UPDATE $t SET due = 0 WHERE lessee IS NULL AND leases = 0 AND due > 0";

const SHORTEN: &str = "UPDATE $t SET due = ?1 WHERE lessee IS NOT NULL AND due > ?1";

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn searches_and_ranges_walk_over_no_other_jobs() {
        let (connection, statements) = (Connection::open_in_memory().unwrap(), Statements::of("jobs"));
        connection.execute_batch(&statements.create).unwrap();
        let plan = |statement: &str| -> String {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
        };
        for search in [&statements.first, &statements.next] {
            assert_eq!(plan(search), "SEARCH jobs USING INDEX jobs_free (lane=?)");
        }
        for range in [&statements.take, &statements.remove] {
            assert_eq!(plan(range), "SEARCH jobs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        }
        let is_empty = plan(&statements.is_empty);
        assert!(is_empty.contains("INDEX jobs_free (lane=?)"), "{is_empty}");
        assert!(is_empty.contains("INDEX jobs_leased (lessee>?)"), "{is_empty}");
    }
}
