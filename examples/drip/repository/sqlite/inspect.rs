//! Determines what a file contains before anything is written to it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::schema::{APPLICATION, FIRST_WITH_APPLICATION};

/// The content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// No file, or an empty one.
    Nothing,
    /// A drip database of this version.
    Ours(i64),
    /// A database of another program, and the evidence.
    Foreign(String),
}

/// Inspects a file without changing it.
pub(super) fn inspect(path: &Path) -> rusqlite::Result<Found> {
    match path.metadata() {
        Ok(metadata) if metadata.len() > 0 => {}
        _ => return Ok(Found::Nothing),
    }
    match look(path) {
        // The log is readable only with write permission. The first page of the file gives the same answer,
        // unless that page is in the log.
        Err(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) =>
        {
            Ok(header(path).unwrap_or(Found::Ours(0)))
        }
        found => found,
    }
}

fn look(path: &Path) -> rusqlite::Result<Found> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let table: Option<String> = connection
        .query_row("SELECT name FROM sqlite_master ORDER BY name LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let is_drips = number(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('users', 'media', 'transfers', 'settings')",
    )? == 4;
    Ok(match (application, version, table) {
        (APPLICATION, version, _) => Found::Ours(version),
        (0, 0, None) => Found::Nothing,
        (0, 1..FIRST_WITH_APPLICATION, _) if is_drips => Found::Ours(version),
        (0, _, Some(table)) => Found::Foreign(format!("it has tables of another program, such as `{table}`")),
        (application, ..) => Found::Foreign(format!("its application id is {application:#x}")),
    })
}

/// Reads the first page (<https://sqlite.org/fileformat.html#the_database_header>).
fn header(path: &Path) -> Option<Found> {
    let mut header = [0; 100];
    std::io::Read::read_exact(&mut std::fs::File::open(path).ok()?, &mut header).ok()?;
    let number = |at: usize| header[at..at + 4].iter().fold(0, |all, byte| (all << 8) | i64::from(*byte));
    let (version, application) = (number(60), number(68));
    Some(match application {
        APPLICATION => Found::Ours(version),
        0 if (1..FIRST_WITH_APPLICATION).contains(&version) => Found::Ours(version),
        _ => Found::Foreign(format!("its application id is {application:#x}")),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Sqlite;
    use super::*;

    fn database(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    #[test]
    fn a_database_of_another_program_is_refused_by_name_and_not_changed() {
        for sql in [
            "CREATE TABLE notes (id INTEGER)",
            "CREATE TABLE notes (id INTEGER); PRAGMA user_version = 2",
            "CREATE TABLE notes (id INTEGER); PRAGMA user_version = 7",
            "PRAGMA application_id = 77",
            "CREATE TABLE users (id INTEGER); PRAGMA user_version = 1; PRAGMA application_id = 5",
        ] {
            let (_folder, path) = database(sql);
            let before = std::fs::read(&path).unwrap();
            let error = Sqlite::open(&path).unwrap_err().to_string();
            assert!(error.contains("o.db is not a database of drip"), "{sql}: {error}");
            assert_eq!(std::fs::read(&path).unwrap(), before, "{sql}");
        }
    }

    #[test]
    fn a_database_of_a_later_drip_is_refused_with_a_remedy_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        drop(Sqlite::open(&path).unwrap());
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Sqlite::open(&path).unwrap_err().to_string();
        assert!(error.contains("version 99") && error.contains("later drip"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_empty_file_and_a_database_of_drip_are_recognised() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drip.db");
        assert_eq!(inspect(&path).unwrap(), Found::Nothing);
        std::fs::write(&path, "").unwrap();
        assert_eq!(inspect(&path).unwrap(), Found::Nothing);
        drop(Sqlite::open(&path).unwrap());
        assert_eq!(inspect(&path).unwrap(), Found::Ours(super::super::schema::VERSION));
        assert_eq!(header(&path), Some(Found::Ours(super::super::schema::VERSION)));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
