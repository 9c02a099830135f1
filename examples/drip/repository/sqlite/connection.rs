//! A single SQLite connection, used by one thread at a time and never by a thread of the runtime.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::inspect::{Found, inspect};
use super::schema;
use crate::repository::{Answer, RepositoryError};

/// A repository in one SQLite file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
    name: Arc<str>,
    /// The lock file of the writing process, held as long as the repository lives.
    _writer: Option<Arc<File>>,
}

impl Sqlite {
    /// Opens the file, creating it if it is missing.
    ///
    /// # Errors
    /// [`RepositoryError`], naming the file.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        let name: Arc<str> = path.display().to_string().into();
        let database = || name.to_string();
        let failed =
            |error: io::Error| RepositoryError::Failed { database: database(), source: error.into() };
        // A database of another program is not written to.
        match inspect(path).map_err(|error| translate(&name, error))? {
            Found::Foreign(reason) => return Err(RepositoryError::Foreign { database: database(), reason }),
            Found::Ours(found) if !(0..=schema::VERSION).contains(&found) => {
                return Err(RepositoryError::Version { database: database(), found, known: schema::VERSION });
            }
            Found::Nothing | Found::Ours(_) => {}
        }
        let writer = lock(path).map_err(|error| match error {
            TryLockError::WouldBlock => RepositoryError::InUse { database: database() },
            TryLockError::Error(error) => failed(error),
        })?;
        make_private(path).map_err(failed)?;
        let opened = Self::prepared(Connection::open(path), Arc::clone(&name))?;
        Ok(Self { _writer: Some(Arc::new(writer)), ..opened })
    }

    /// Opens the file for reading, even while another process writes to it. Methods that change data fail.
    ///
    /// # Errors
    /// [`RepositoryError`], naming the file; [`RepositoryError::Version`] also if an earlier drip created it.
    pub fn open_to_read(path: &Path) -> Result<Self, RepositoryError> {
        let name: Arc<str> = path.display().to_string().into();
        let opened = read_in_place(path).or_else(|error| match error.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => read_a_copy(path),
            _ => Err(error),
        });
        let (connection, found) = opened.map_err(|error| translate(&name, error))?;
        if found != schema::VERSION {
            let database = name.to_string();
            return Err(RepositoryError::Version { database, found, known: schema::VERSION });
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)), name, _writer: None })
    }

    /// Creates an in-memory repository for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::prepared(Connection::open_in_memory(), "in memory".into()).unwrap()
    }

    fn prepared(opened: rusqlite::Result<Connection>, name: Arc<str>) -> Result<Self, RepositoryError> {
        let mut connection = opened.map_err(|error| translate(&name, error))?;
        let found = schema::prepare(&mut connection).map_err(|error| translate(&name, error))?;
        if found != schema::VERSION {
            return Err(RepositoryError::Version {
                database: name.to_string(),
                found,
                known: schema::VERSION,
            });
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)), name, _writer: None })
    }

    /// Runs `work` on a thread that may block.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let connection = Arc::clone(&self.connection);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || {
                // A panicking transaction is rolled back, so the connection remains usable.
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut connection)
            });
            match done.await {
                Ok(answer) => answer.map_err(|error| translate(&self.name, error)),
                Err(broken) => {
                    Err(RepositoryError::Failed { database: self.name.to_string(), source: broken.into() })
                }
            }
        })
    }
}

/// Takes the writer's lock of the database at `path`. The operating system releases it when the process ends,
/// however that happens.
fn lock(path: &Path) -> Result<File, TryLockError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(name).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Opens a read-only connection; returns it with the version of the tables.
fn read_in_place(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    checked(connection)
}

/// SQLite writes files beside a database with a write-ahead log even to read it. Where that is impossible, as
/// on a read-only disk, there is no writer either, so a copy of both files is read, with a log of its own.
fn read_a_copy(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let failed = |error: io::Error| rusqlite::Error::ToSqlConversionFailure(error.into());
    let folder = tempfile::Builder::new().prefix("drip-read-").tempdir().map_err(failed)?;
    let copy = folder.path().join("drip.db");
    let with_log = |path: &Path| {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        PathBuf::from(log)
    };
    fs::copy(path, &copy).map_err(failed)?;
    if with_log(path).exists() {
        fs::copy(with_log(path), with_log(&copy)).map_err(failed)?;
    }
    // A copy keeps the mode of its original, which may be read-only.
    let connection = checked(Connection::open(&copy)?)?;
    // The connection keeps its open files after their removal.
    drop(folder);
    Ok(connection)
}

fn checked(connection: Connection) -> rusqlite::Result<(Connection, i64)> {
    connection
        .execute_batch("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -2000;")?;
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    // A database of another program, or from before `application_id`: this drip cannot read it unchanged.
    Ok((connection, if application == schema::APPLICATION { version } else { 0 }))
}

/// Restricts the file to its owner: it holds every path and user in clear. SQLite gives its log the same
/// permissions.
fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0
                && let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
            {
                tracing::warn!(database = %path.display(), %error, "others may read the database");
            }
            Ok(())
        }
        // SQLite reports an error better when it opens the file.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn translate(database: &str, error: rusqlite::Error) -> RepositoryError {
    let database = database.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => RepositoryError::Full { database },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            RepositoryError::Damaged { database, source: error.into() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RepositoryError::InUse { database },
        _ => RepositoryError::Failed { database, source: error.into() },
    }
}
