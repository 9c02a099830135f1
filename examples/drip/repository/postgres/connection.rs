//! The connection of a drip, and the sign that it is alive.
//!
//! Each process holds an advisory lock under its number as long as its connection lives. The server releases the lock when
//! the process ends, however that happens, so the transfers of a killed drip are known without a clock.

use std::sync::Arc;

use stage_postgres::Server;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio_postgres::{Client, Error};

use super::{PostgresAddress, schema};
use crate::repository::RepositoryError;

/// The class of the locks, which no other program is likely to use: "drip".
pub(super) const CLASS: i32 = 0x6472_6970;

/// A repository in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: Server,
    name: String,
    client: Mutex<Option<Client>>,
    /// The number of this process, the lessee of its transfers.
    process: i32,
}

impl Postgres {
    /// Connects to the database and creates missing tables.
    ///
    /// # Errors
    /// [`RepositoryError`], naming the server and the database, never the password.
    pub async fn open(address: &PostgresAddress) -> Result<Self, RepositoryError> {
        let failed = |error: stage_connect::ConnectError| RepositoryError::Failed {
            database: address.to_string(),
            source: error.into(),
        };
        let server = Server::new(address.text()).map_err(failed)?;
        let mut client = server.client().await.map_err(failed)?;
        let name = address.to_string();
        schema::prepare(&mut client, &name).await?;
        let process = claim_a_number(&client)
            .await
            .map_err(|error| RepositoryError::Failed { database: name.clone(), source: error.into() })?;
        let client = Mutex::new(Some(client));
        Ok(Self { shared: Arc::new(Shared { server, name, client, process }) })
    }

    /// Whether the database has no tables of drip.
    ///
    /// # Errors
    /// [`RepositoryError`], naming the server and the database.
    pub async fn is_missing(address: &PostgresAddress) -> Result<bool, RepositoryError> {
        let database = || address.to_string();
        let server = Server::new(address.text());
        let client = match server {
            Ok(server) => server.client().await,
            Err(error) => Err(error),
        };
        let client =
            client.map_err(|error| RepositoryError::Failed { database: database(), source: error.into() })?;
        let missing = client.query_one("SELECT to_regclass('drip_schema') IS NULL", &[]).await;
        let failed = |error: Error| RepositoryError::Failed { database: database(), source: error.into() };
        missing.and_then(|row| row.try_get(0)).map_err(failed)
    }

    pub(super) fn process(&self) -> i32 {
        self.shared.process
    }

    /// Returns the connection, which is opened again if it broke.
    pub(super) async fn client(&self) -> Result<MappedMutexGuard<'_, Client>, RepositoryError> {
        let mut client = self.shared.client.lock().await;
        if client.as_ref().is_none_or(Client::is_closed) {
            let opened = self.shared.server.client().await.map_err(|error| self.failed(error.into()))?;
            let lock = "SELECT pg_advisory_lock($1, $2)";
            let locked = opened.execute(lock, &[&CLASS, &self.shared.process]).await;
            self.told(locked)?;
            *client = Some(opened);
        }
        MutexGuard::try_map(client, Option::as_mut).map_err(|_| self.failed("there is no connection".into()))
    }

    /// Names the database in an error.
    pub(super) fn told<T>(&self, result: Result<T, Error>) -> Result<T, RepositoryError> {
        result.map_err(|error| self.failed(message(&error).into()))
    }

    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> RepositoryError {
        RepositoryError::Failed { database: self.shared.name.clone(), source }
    }
}

/// Takes the lock of a number that no living process has.
async fn claim_a_number(client: &Client) -> Result<i32, Error> {
    loop {
        let draw = "SELECT number, pg_try_advisory_lock($1, number)
                    FROM (SELECT 1 + floor(random() * 2147483646)::int4 AS number OFFSET 0) AS drawn";
        let row = client.query_one(draw, &[&CLASS]).await?;
        if row.try_get(1)? {
            return row.try_get(0);
        }
    }
}

/// The server's message; the error's own is only its kind.
fn message(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} [{}]", db.message(), db.code().code()),
        None => error.to_string(),
    }
}
