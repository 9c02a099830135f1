//! One connection, used by one thread at a time, never by a thread of the runtime.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode};

use super::schema;
use crate::repository::{Answer, RepositoryError};

/// A repository in one SQLite file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
    name: Arc<str>,
}

impl Sqlite {
    /// Opens the file, and makes it if it is missing.
    ///
    /// # Errors
    /// [`RepositoryError`], naming the file.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        let name: Arc<str> = path.display().to_string().into();
        Self::prepared(Connection::open(path), name)
    }

    /// A repository of this process alone, for tests.
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
        Ok(Self { connection: Arc::new(Mutex::new(connection)), name })
    }

    /// Does `work` on a thread that may block.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        let connection = Arc::clone(&self.connection);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || {
                // A transaction that panicked was rolled back; the connection is as good as before.
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
