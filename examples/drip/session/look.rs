//! Read-only access to a data folder for the commands that change nothing: no lock, no key, no writes.

use std::sync::Arc;

use super::{Places, Session, SessionError};
use crate::repository::{self, Database, Repository, RepositoryError};

/// The database of a data folder, opened for reading while another drip may be at work in it.
#[derive(Debug)]
pub struct Look {
    /// Users, media and the queue.
    pub repository: Arc<dyn Repository>,
    /// The session that opened the database, if it was missing or came from an earlier drip and had to be migrated.
    _session: Option<Session>,
}

impl Look {
    /// Opens the database at these places.
    ///
    /// # Errors
    /// [`SessionError::NoFolder`] if there is none, or any error of the database.
    pub async fn at(places: &Places) -> Result<Self, SessionError> {
        let database = places.database.clone();
        if !places.data.exists() && database.is_none() {
            return Err(SessionError::NoFolder(places.data.clone()));
        }
        let database = database.unwrap_or_else(|| Database::Sqlite(places.data.join("drip.db")));
        // A missing path, one that is not a file, and a database of an earlier drip are left to a session.
        if let Database::Sqlite(path) = &database
            && !path.is_file()
        {
            return Self::after(places).await;
        }
        match repository::open_to_read(&database).await {
            Ok(repository) => Ok(Self { repository, _session: None }),
            Err(RepositoryError::Version { found, known, .. }) if found < known => Self::after(places).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn after(places: &Places) -> Result<Self, SessionError> {
        let session = Session::open_existing(places).await?;
        Ok(Self { repository: session.repository.clone(), _session: Some(session) })
    }
}
