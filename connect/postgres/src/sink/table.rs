//! The sink: batches of messages become rows of a table.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use stage_connect::{ConnectError, MessageId, Push, PutError};

use super::row::Row;
use super::write::{Target, Writer, rows};
use crate::error::{cause, is_about_a_row};
use crate::server::Server;

/// Stores messages as rows, many in one statement; they are acknowledged once the server has committed them. Rows of
/// which one is refused are stored in smaller batches, so that only that row is rejected. A clone writes to the same
/// table through a connection of its own.
///
/// Rows are inserted by `COPY`, or, with [`update_on`](Self::update_on), [`ignore_on`](Self::ignore_on) or
/// [`ids`](Self::ids), by an `INSERT … ON CONFLICT`. After a broken connection, it is unknown whether the last batch
/// was stored, and it is stored again: `COPY` then inserts its rows twice, the others do not.
///
/// ```no_run
/// use stage_postgres::{Server, TableSink};
///
/// let server = Server::new("postgres://app@localhost/shop")?;
/// let sink = TableSink::<(i64, String)>::new(server, "orders", ["number", "item"]).update_on(["number"]);
/// # Ok::<(), stage_connect::ConnectError>(())
/// ```
///
/// With [`ids`](Self::ids), each message is stored once; with [`ignore_on`](Self::ignore_on), the first row of a key stays:
///
/// ```no_run
/// use stage_postgres::{Server, TableSink};
///
/// # fn main() -> Result<(), stage_connect::ConnectError> {
/// let server = Server::new("postgres://app@localhost/shop")?;
/// let events = TableSink::<(i64, String)>::new(server.clone(), "events", ["at", "text"]).ids("message_id");
/// let firsts = TableSink::<(String, i64)>::new(server, "visits", ["user", "at"]).ignore_on(["user"]);
/// # let _ = (events, firsts);
/// # Ok(())
/// # }
/// ```
#[must_use = "a sink does nothing outside of a pipeline"]
pub struct TableSink<M> {
    server: Server,
    target: Target,
    object: Arc<str>,
    writer: Option<Writer>,
    messages: PhantomData<fn(M)>,
}

impl<M> Clone for TableSink<M> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            target: self.target.clone(),
            object: Arc::clone(&self.object),
            writer: None,
            messages: PhantomData,
        }
    }
}

/// The treatment of a row whose key exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The row is refused.
    Refuse,
    /// The other columns are overwritten.
    Update,
    /// The row that exists stays.
    Ignore,
}

impl<M: Row> TableSink<M> {
    /// Creates a sink that inserts into these columns of a table. Names are taken literally, with a dot between schema
    /// and table; nothing is opened yet.
    pub fn new<C: Into<String>>(server: Server, table: &str, columns: impl IntoIterator<Item = C>) -> Self {
        let object = server.object(format_args!("table `{table}`"));
        let columns = columns.into_iter().map(Into::into).collect();
        let target = Target {
            table: table.to_owned(),
            columns,
            keys: Vec::new(),
            conflict: Conflict::Refuse,
            ids: None,
        };
        Self { server, target, object, writer: None, messages: PhantomData }
    }

    /// Overwrites the row of the same key, on which the table must have a unique index. Of several messages with one
    /// key, the last one stays.
    pub fn update_on<C: Into<String>>(mut self, keys: impl IntoIterator<Item = C>) -> Self {
        self.target.keys = keys.into_iter().map(Into::into).collect();
        self.target.conflict = Conflict::Update;
        self
    }

    /// Leaves a row of the same key as it is, on which the table must have a unique index. Of several messages with one
    /// key, the first one stays.
    pub fn ignore_on<C: Into<String>>(mut self, keys: impl IntoIterator<Item = C>) -> Self {
        self.target.keys = keys.into_iter().map(Into::into).collect();
        self.target.conflict = Conflict::Ignore;
        self
    }

    /// Stores the id of each message in a further column, of type `text` with a unique index, and stores each id once.
    pub fn ids(mut self, column: impl Into<String>) -> Self {
        let column = column.into();
        self.target.keys = vec![column.clone()];
        self.target.conflict = Conflict::Ignore;
        self.target.ids = Some(column);
        self
    }

    async fn write(&mut self, messages: &[(MessageId, M)]) -> Result<Written, ConnectError> {
        let writer = match &self.writer {
            Some(writer) if !writer.is_closed() => writer,
            _ => self.writer.insert(Writer::open(&self.server, &self.target, &self.object).await?),
        };
        let rows = rows(messages, &self.target, &self.object)?;
        match writer.write(&rows).await {
            Ok(()) => Ok(Written::All),
            Err(error) if is_about_a_row(&error) => Ok(Written::Refused(cause(&error))),
            Err(error) => Err(crate::error::failed(&self.object, "cannot store rows", &error)),
        }
    }
}

/// The result of one statement.
#[derive(Debug)]
enum Written {
    All,
    /// One of the rows is refused, so that none is stored.
    Refused(String),
}

impl<M: Row> Push for TableSink<M> {
    type Message = M;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.writer = Some(Writer::open(&self.server, &self.target, &self.object).await?);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, M)]) -> Result<usize, PutError> {
        // Those before `stored` are stored; one before `end` is refused, once a statement has failed.
        let (mut stored, mut end) = (0, messages.len());
        while stored < messages.len() {
            match self.write(&messages[stored..end]).await {
                Ok(Written::All) if end == messages.len() => return Ok(end),
                Ok(Written::All) => (stored, end) = (end, messages.len().min(2 * end - stored)),
                Ok(Written::Refused(cause)) if end - stored == 1 => {
                    return Err(PutError::Refused { index: stored, cause });
                }
                Ok(Written::Refused(_)) => end = stored + (end - stored) / 2,
                // The next call reports the error; these messages are stored.
                Err(_) if stored > 0 => return Ok(stored),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(stored)
    }

    fn describe(&self) -> String {
        self.object.to_string()
    }
}

impl<M> fmt::Debug for TableSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSink").field("object", &self.object).finish_non_exhaustive()
    }
}
