//! Entries from a table of PostgreSQL. The rows are the truth, and a notification only wakes.
//!
//! Rows are read in the order of their transactions, up to the oldest transaction that is still open: a row that is
//! committed late is not passed over. A process that starts reads the rows of the last hour, so it shows the same counts
//! as the one before it.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Row};

use crate::entry::Entry;

/// The table, and the notification at each insertion.
const SETUP: &str = "
set client_min_messages = warning;
create table if not exists hashtag_entries (
    tx xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    at timestamptz not null default now(),
    text text not null,
    primary key (tx, id)
);
create or replace function hashtag_entries_notify() returns trigger language plpgsql as
    $$ begin notify hashtag_entries; return null; end $$;
create or replace trigger hashtag_entries_notify after insert on hashtag_entries
    for each statement execute function hashtag_entries_notify();
listen hashtag_entries;";

/// The next rows.
const READ: &str = "
select tx::text::bigint, id, floor(extract(epoch from at) * 1000)::bigint, text from hashtag_entries
where (tx, id) > ($1::bigint::text::xid8, $2::bigint)
    and tx < pg_snapshot_xmin(pg_current_snapshot()) and at > now() - interval '1 hour'
order by tx, id limit $3::bigint";

/// The longest time until the next look: no notification tells that an older transaction has ended.
const LOOK: Duration = Duration::from_secs(1);

/// The rows of the table as messages.
#[derive(Debug)]
pub(super) struct Table {
    config: Config,
    server: String,
    client: Option<Client>,
    woken: Arc<Notify>,
    /// Shared by all runs of the source, so that a restarted one goes on.
    reading: Arc<Mutex<Reading>>,
}

/// How far the table is read.
#[derive(Debug, Default)]
struct Reading {
    /// The transaction and the id of the last row.
    place: (i64, i64),
    /// Entries that came back uncounted.
    back: Vec<Arc<Entry>>,
}

impl Table {
    /// Returns the table in the database of this address.
    ///
    /// # Errors
    ///
    /// Returns one line if it is no address of PostgreSQL.
    pub(super) fn new(address: &str) -> Result<Self, String> {
        // The error of the driver may quote the address, with its password.
        let config: Config = address
            .parse()
            .map_err(|_| "`--database` must be an address such as postgres://user@host/name")?;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let server = format!("postgres://{host}:{port} table `hashtag_entries`");
        Ok(Self { config, server, client: None, woken: Arc::default(), reading: Arc::default() })
    }

    /// Returns the same table without a connection.
    pub(super) fn again(&self) -> Self {
        let (config, server, reading) = (self.config.clone(), self.server.clone(), Arc::clone(&self.reading));
        Self { config, server, client: None, woken: Arc::default(), reading }
    }

    fn failed(&self, what: &str, error: Error) -> ConnectError {
        let wrong = match error.code().map(SqlState::code) {
            Some("28P01" | "28000") => Some("check the user, the password and pg_hba.conf"),
            Some("3D000") => Some("create the database, or name another one"),
            Some("42501") => Some("grant the user the right to create and read the table"),
            _ => None,
        };
        match wrong {
            Some(remedy) => ConnectError::fatal(&self.server, format_args!("{what}: {error}"), remedy),
            None => ConnectError::gone(&self.server, what, error),
        }
    }

    /// Returns the entries that came back, or else the next rows.
    async fn read(&self, at_most: NonZeroUsize) -> Result<Vec<Pulled<Entry, Arc<Entry>>>, ConnectError> {
        let place = {
            let mut reading = lock(&self.reading);
            if !reading.back.is_empty() {
                let returned = reading.back.len().min(at_most.get());
                return Ok(reading.back.drain(..returned).map(pulled).collect());
            }
            reading.place
        };
        let Some(client) = &self.client else {
            return Err(ConnectError::gone(&self.server, "cannot read", "there is no connection"));
        };
        let limit = i64::try_from(at_most.get()).unwrap_or(i64::MAX);
        let rows = client.query(READ, &[&place.0, &place.1, &limit]).await;
        // No wait follows, so a row that is passed has been returned.
        let rows = rows.map_err(|error| self.failed("cannot read", error))?;
        let entries: Result<Vec<_>, _> = rows.iter().map(entry).collect();
        let entries = entries.map_err(|error| self.failed("cannot read a row", error))?;
        if let Some((place, _)) = entries.last() {
            lock(&self.reading).place = *place;
        }
        Ok(entries.into_iter().map(|(_, entry)| pulled(Arc::new(entry))).collect())
    }
}

fn lock(reading: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entry(row: &Row) -> Result<((i64, i64), Entry), Error> {
    let place = (row.try_get(0)?, row.try_get(1)?);
    Ok((place, Entry { at: row.try_get(2)?, text: row.try_get(3)? }))
}

fn pulled(entry: Arc<Entry>) -> Pulled<Entry, Arc<Entry>> {
    Pulled { message: Entry::clone(&entry), receipt: entry, attempt: 1 }
}

impl Pull for Table {
    type Message = Entry;
    type Receipt = Arc<Entry>;
    type Settle = Returned;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        let connected = self.config.connect(NoTls).await;
        let (client, mut connection) = connected.map_err(|error| self.failed("cannot connect", error))?;
        let woken = Arc::clone(&self.woken);
        tokio::spawn(async move {
            // The end of the connection wakes as well; the next query states its reason.
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(_) = message {
                    woken.notify_one();
                }
            }
            woken.notify_one();
        });
        client.batch_execute(SETUP).await.map_err(|error| self.failed("cannot set up the table", error))?;
        self.client = Some(client);
        Ok(())
    }

    fn settle_half(&mut self) -> Returned {
        Returned(Arc::clone(&self.reading))
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Entry, Arc<Entry>>>, ConnectError> {
        let mut woken = pin!(self.woken.notified());
        woken.as_mut().enable();
        let rows = self.read(at_most).await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
        // The time is up, or a row has come: the table is read in either case.
        let _ = timeout(wait.min(LOOK), woken).await;
        self.read(at_most).await
    }

    fn describe(&self) -> String {
        self.server.clone()
    }
}

/// Keeps the entries that were not counted for the next pull; the table itself needs no verdict.
#[derive(Debug)]
pub(super) struct Returned(Arc<Mutex<Reading>>);

impl Settle for Returned {
    type Receipt = Arc<Entry>;

    async fn settle(&mut self, settled: &[(Arc<Entry>, Disposition)]) -> Result<(), ConnectError> {
        let uncounted = settled.iter().filter(|(_, disposition)| *disposition != Disposition::Accept);
        lock(&self.0).back.extend(uncounted.map(|(entry, _)| Arc::clone(entry)));
        Ok(())
    }
}
