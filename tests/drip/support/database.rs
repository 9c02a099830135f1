//! What does drip's database say? Read while no drip is at work.

use rusqlite::{Connection, OpenFlags};

use super::Home;

/// The database of a home.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
}

impl Database {
    pub(crate) fn of(home: &Home) -> Self {
        let path = home.data().join("drip.db");
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
        Self { connection: connection.expect("drip's database, which nobody uses now") }
    }

    /// The one number that this asks for.
    pub(crate) fn number(&self, query: &str) -> u64 {
        self.connection.query_row(query, [], |row| row.get(0)).expect("a query for one number")
    }

    /// Requires it to be sound by its own check.
    #[track_caller]
    pub(crate) fn expect_sound(&self) {
        let check: String =
            self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(check, "ok");
        let strangers = self.number("SELECT count(*) FROM pragma_foreign_key_check");
        assert_eq!(strangers, 0, "every reference leads somewhere");
    }

    /// Requires that nothing is left to be done, and that every medium is there.
    #[track_caller]
    pub(crate) fn expect_done(&self) {
        for left in [
            "SELECT count(*) FROM jobs",
            "SELECT count(*) FROM jobs_dead",
            "SELECT count(*) FROM transfers",
            "SELECT count(*) FROM media WHERE uploaded_at IS NULL",
        ] {
            assert_eq!(self.number(left), 0, "{left}");
        }
    }
}
