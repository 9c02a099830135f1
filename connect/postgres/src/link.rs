//! One open connection with its prepared statements.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{join, join_all};
use stage_connect::ConnectError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Statement};

use crate::error::failed;

/// Settings of the session. An open transaction of a client that is gone must not hold its locks, and a server does not
/// notice a client whose machine is gone without keepalives, nor, while an answer to it is on its way, without a limit for
/// that: by default, it sends the answer again for a quarter of an hour.
const SESSION: &str = "
SET client_min_messages = warning;
SET idle_in_transaction_session_timeout = '30s';
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '25s'";

/// A prepared statement and its parameters.
pub(crate) type Write<'a> = (Statement, Vec<&'a (dyn ToSql + Sync)>);

/// An open connection. A task drives it, which ends with the last use of the connection.
#[derive(Debug)]
pub(crate) struct Link {
    client: Client,
    object: Arc<str>,
    notified: Arc<Notify>,
    statements: Mutex<HashMap<Arc<str>, Statement>>,
}

impl Link {
    pub(crate) async fn open<S, T>(
        client: Client,
        connection: Connection<S, T>,
        object: Arc<str>,
    ) -> Result<Self, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let notified = Arc::new(Notify::new());
        tokio::spawn(drive(connection, Arc::clone(&notified), Arc::clone(&object)));
        let link = Self { client, object, notified, statements: Mutex::default() };
        link.run(SESSION).await?;
        Ok(link)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn into_client(self) -> Client {
        self.client
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Is woken by every notification, and at the end of the connection.
    pub(crate) fn notified(&self) -> &Notify {
        &self.notified
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&self, statements: &str) -> Result<(), ConnectError> {
        self.told("cannot set up the session", self.client.batch_execute(statements).await)
    }

    /// Returns the prepared statement of this text.
    pub(crate) async fn statement(&self, text: &Arc<str>) -> Result<Statement, ConnectError> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.told("cannot prepare a statement", self.client.prepare(text).await)?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.insert(Arc::clone(text), statement.clone());
        Ok(statement)
    }

    /// Runs statements in one transaction. They are sent in one go: none waits for the answer to the one before.
    pub(crate) async fn write(&self, what: &str, writes: &[Write<'_>]) -> Result<(), ConnectError> {
        let client = &self.client;
        let written = match writes {
            [] => Ok(()),
            // A single statement is a transaction by itself.
            [(statement, parameters)] => client.execute(statement, parameters).await.map(drop),
            _ => {
                let begin = client.batch_execute("BEGIN");
                let all = join_all(writes.iter().map(|(statement, with)| client.execute(statement, with)));
                let ((begin, all), commit) = join(join(begin, all), client.batch_execute("COMMIT")).await;
                let all = all.into_iter().find_map(Result::err).map_or(Ok(()), Err);
                begin.and(all).and(commit)
            }
        };
        self.roll_back(written.is_err()).await;
        self.told(what, written)
    }

    /// Leaves a failed transaction, so that the connection can be used again.
    pub(crate) async fn roll_back(&self, failed: bool) {
        if failed && !self.is_closed() {
            // The error that led here is the one to report.
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
    }

    /// Names the server and the failed operation in an error.
    pub(crate) fn told<T>(&self, what: &str, result: Result<T, Error>) -> Result<T, ConnectError> {
        result.map_err(|error| failed(&self.object, what, &error))
    }
}

/// Drives a connection until it ends; its users learn of an error by their own calls.
async fn drive<S, T>(mut connection: Connection<S, T>, notified: Arc<Notify>, object: Arc<str>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(_))) => notified.notify_waiters(),
            Some(Ok(AsyncMessage::Notice(notice))) => {
                tracing::debug!(%object, %notice, "notice of the server");
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%object, error = %crate::error::cause(&error), "the connection broke");
                break;
            }
            None => break,
        }
    }
    notified.notify_waiters();
}
