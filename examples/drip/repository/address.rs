//! Parses the argument of `--database` and opens the repository there.

use std::path::PathBuf;
use std::sync::Arc;

use super::sqlite::Sqlite;
use super::{Repository, RepositoryError};

/// The address of a database. Nothing is opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file on this machine.
    Sqlite(PathBuf),
}

impl Database {
    /// Parses an address: a path, or `sqlite://` and a path.
    ///
    /// # Errors
    /// [`RepositoryError::Address`], which lists the allowed forms and notes that PostgreSQL is not supported
    /// yet.
    pub fn parse(address: &str) -> Result<Self, RepositoryError> {
        let refuse = |reason: &str| {
            Err(RepositoryError::Address { address: address.to_owned(), reason: reason.to_owned() })
        };
        match address.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                refuse("PostgreSQL is not supported yet; use the path of an SQLite file")
            }
            Some(("sqlite", "")) | None if address.is_empty() || address.contains("://") => {
                refuse("it is empty")
            }
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            Some(_) => refuse("expected a path or sqlite://path (postgres://… is not supported yet)"),
            None => Ok(Self::Sqlite(address.into())),
        }
    }
}

impl Database {
    /// Whether the database does not exist yet: no file, or an empty one.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Sqlite(path) => !path.metadata().is_ok_and(|file| file.len() > 0),
        }
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
        }
    }
}

/// Opens a database, creating it if it is missing.
///
/// # Errors
/// [`RepositoryError`], naming the database.
pub fn open(database: &Database) -> Result<Arc<dyn Repository>, RepositoryError> {
    match database {
        Database::Sqlite(path) => Ok(Arc::new(Sqlite::open(path)?)),
    }
}

/// Opens an existing database for reading, while another process may write to it.
///
/// # Errors
/// [`RepositoryError`], naming the database.
pub fn open_to_read(database: &Database) -> Result<Arc<dyn Repository>, RepositoryError> {
    match database {
        Database::Sqlite(path) => Ok(Arc::new(Sqlite::open_to_read(path)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_sqlite_url_are_sqlite() {
        assert_eq!(Database::parse("a/b.db").unwrap(), Database::Sqlite("a/b.db".into()));
        assert_eq!(Database::parse("sqlite:///a/b.db").unwrap(), Database::Sqlite("/a/b.db".into()));
    }

    #[test]
    fn postgres_is_refused_as_not_supported_yet() {
        let error = Database::parse("postgres://user@host/drip").unwrap_err().to_string();
        assert!(error.contains("not supported yet"), "{error}");
    }

    #[test]
    fn other_files_than_databases_are_refused() {
        for address in ["", "sqlite://", "mysql://host"] {
            assert!(Database::parse(address).is_err(), "{address}");
        }
    }
}
