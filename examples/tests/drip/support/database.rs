//! Access to drip's database while no drip is at work.

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
        Self { connection: connection.expect("drip's database, not in use") }
    }

    /// Returns the single number that the query selects.
    pub(crate) fn number(&self, query: &str) -> u64 {
        self.connection.query_row(query, [], |row| row.get(0)).expect("a query for one number")
    }

    /// Makes a change that no command makes.
    pub(crate) fn execute(&self, statement: &str) {
        self.connection.execute_batch(statement).expect("a statement");
    }

    /// Adds `rows` rows to a table, like its first one but with their own keys: `key` and every column of
    /// `others` get the number of the row, in their type.
    pub(crate) fn multiply(&self, table: &str, key: &str, others: &[&str], rows: u64) {
        let mut columns = self
            .connection
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .expect("a query for the columns of a table");
        let columns = columns.query_map([table], |row| row.get::<_, String>(0)).expect("columns");
        let columns: Vec<_> = columns.map(|column| column.expect("a column")).collect();
        let value = |column: &String| {
            if column != key && !others.contains(&column.as_str()) {
                return column.clone();
            }
            format!(
                "CASE typeof({column}) WHEN 'blob' THEN unhex(printf('%032x', number))
                 WHEN 'text' THEN printf('%08d', number) ELSE 1000000 + number END"
            )
        };
        let values: Vec<_> = columns.iter().map(value).collect();
        self.execute(&format!(
            "BEGIN; PRAGMA defer_foreign_keys = ON;
             INSERT INTO {table} ({}) WITH RECURSIVE numbers (number) AS
                 (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {rows})
             SELECT {} FROM (SELECT * FROM {table} ORDER BY {key} DESC LIMIT 1), numbers;
             COMMIT;",
            columns.join(", "),
            values.join(", "),
        ));
    }

    /// Requires that SQLite's integrity check succeeds.
    #[track_caller]
    pub(crate) fn expect_sound(&self) {
        let check: String =
            self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
        assert_eq!(check, "ok");
        let strangers = self.number("SELECT count(*) FROM pragma_foreign_key_check");
        assert_eq!(strangers, 0, "every reference leads somewhere");
    }

    /// Requires that no work is left, and that every medium is stored.
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
