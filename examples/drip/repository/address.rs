//! Parses the argument of `--database` and opens the repository there.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::{Postgres, PostgresAddress};
use super::sqlite::Sqlite;
use super::{Repository, RepositoryError};

/// The address of a database. Nothing is opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file on this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL database, which several drips may share.
    Postgres(PostgresAddress),
}

impl Database {
    /// Parses an address: a path, `sqlite://` and a path, or `postgres://…`. The latter is checked when it is opened,
    /// because the error of an argument repeats the argument, which may contain a password.
    ///
    /// # Errors
    /// [`RepositoryError::Address`], which lists the allowed forms.
    pub fn parse(address: &str) -> Result<Self, RepositoryError> {
        let refuse = |reason: &str| {
            Err(RepositoryError::Address { address: address.to_owned(), reason: reason.to_owned() })
        };
        match address.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(PostgresAddress::new(address))),
            Some(("sqlite", "")) | None if address.is_empty() || address.contains("://") => {
                refuse("it is empty")
            }
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            Some(_) => {
                refuse("expected a path, sqlite://path or postgres://USER:PASSWORD@HOST:PORT/DATABASE")
            }
            None => Ok(Self::Sqlite(address.into())),
        }
    }
}

impl Database {
    /// Whether the database does not exist yet: no file, an empty one, or a server's database without drip's tables.
    ///
    /// # Errors
    /// [`RepositoryError`] if a server cannot be asked.
    pub async fn is_missing(&self) -> Result<bool, RepositoryError> {
        match self {
            Self::Sqlite(path) => Ok(!path.metadata().is_ok_and(|file| file.len() > 0)),
            Self::Postgres(address) => Postgres::is_missing(address).await,
        }
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

/// Opens a database, creating it if it is missing.
///
/// # Errors
/// [`RepositoryError`], naming the database.
pub async fn open(database: &Database) -> Result<Arc<dyn Repository>, RepositoryError> {
    match database {
        Database::Sqlite(path) => Ok(Arc::new(Sqlite::open(path)?)),
        Database::Postgres(address) => Ok(Arc::new(Postgres::open(address).await?)),
    }
}

/// Opens an existing database for reading, while another process may write to it.
///
/// # Errors
/// [`RepositoryError`], naming the database.
pub async fn open_to_read(database: &Database) -> Result<Arc<dyn Repository>, RepositoryError> {
    match database {
        Database::Sqlite(path) => Ok(Arc::new(Sqlite::open_to_read(path)?)),
        Database::Postgres(address) => Ok(Arc::new(Postgres::open(address).await?)),
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
    fn the_address_of_a_server_is_never_shown_with_its_password() {
        for address in ["postgres://user:s3cret@host/drip", "postgresql://user:s3cret@host:x"] {
            let database = Database::parse(address).unwrap();
            assert!(!format!("{database} {database:?}").contains("s3cret"));
        }
        let database = Database::parse("postgres://user:s3cret@host/drip").unwrap();
        assert_eq!(database.to_string(), "postgres://host:5432/drip");
    }

    #[test]
    fn other_files_than_databases_are_refused() {
        for address in ["", "sqlite://", "mysql://host"] {
            assert!(Database::parse(address).is_err(), "{address}");
        }
    }
}
