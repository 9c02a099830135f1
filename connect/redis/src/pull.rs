//! Reads a stream as one consumer of a group.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use stage_connect::__private::random;
use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::entry::Entry;
use crate::error::{failed, late, strange};
use crate::options::{ReadOptions, StartAt};
use crate::reply::{self, Numbered};
use crate::script::{CLAIM, call, script};
use crate::server::{PATIENCE, Server};
use crate::settle::{Reader, Receipt, RedisSettle, millis};

/// Reads a stream as one consumer of a group: first entries whose lease has ended or whose retry is due, then new ones.
///
/// A read that blocks has a connection of its own. A `pull` whose future is dropped goes on at the server; the next one
/// returns its entries. When the reader itself is dropped, the entries that it received and did not return are released.
///
/// A program without a pipeline settles each message itself. It needs a server:
///
/// ```no_run
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
///
/// use stage_connect::{ConnectError, Disposition, Pull, Settle};
/// use stage_redis::{Entry, ReadOptions, Receipt, RedisPull, RedisSettle, Server};
///
/// # async fn take() -> Result<(), ConnectError> {
/// let mut pull = RedisPull::new(Server::new("redis://127.0.0.1:6379")?, ReadOptions::new("orders", "billing"));
/// let mut settle: RedisSettle = pull.settle_half();
/// pull.connect().await?;
/// for taken in pull.pull(NonZeroUsize::MIN, Duration::from_secs(5)).await? {
///     let (order, receipt): (Entry, Receipt) = (taken.message, taken.receipt);
///     println!("{:?}", order.fields);
///     settle.settle(&[(receipt, Disposition::Accept)]).await?;
/// }
/// settle.finish().await?;
/// # Ok(())
/// # }
/// ```
pub struct RedisPull {
    reader: Reader,
    link: Option<Link>,
    scan: Scan,
    /// The read that the last `pull` began and did not finish.
    reading: Option<Reading>,
    ready: VecDeque<Numbered>,
}

type Reading = Pin<Box<dyn Future<Output = Result<(Vec<Numbered>, Scan), ConnectError>> + Send>>;

/// A connection and its number at the server.
#[derive(Clone)]
struct Link {
    connection: MultiplexedConnection,
    client: i64,
}

/// The search for entries whose lease has ended.
#[derive(Clone)]
struct Scan {
    cursor: String,
    next: Instant,
}

impl Scan {
    fn new() -> Self {
        Self { cursor: START.to_owned(), next: Instant::now() }
    }
}

/// The maximum number of parts of the group's open entries that are searched before new entries are read. A part is ten
/// times the number of entries that are asked for.
const SEARCHES: usize = 20;

/// The smallest id, where a search begins.
const START: &str = "0-0";

impl RedisPull {
    /// Returns a reader of the stream and group in `options`.
    pub fn new(server: Server, options: ReadOptions) -> Self {
        let reader = Reader { server, options: Arc::new(options), consumer: new_consumer() };
        Self { reader, link: None, scan: Scan::new(), reading: None, ready: VecDeque::new() }
    }

    fn take(&mut self, at_most: NonZeroUsize) -> Vec<Pulled<Entry, Receipt>> {
        let count = self.ready.len().min(at_most.get());
        let taken = self.ready.drain(..count);
        taken
            .map(|(message, attempt)| {
                let receipt = Receipt { id: message.id.as_str().into(), attempt };
                Pulled { message, receipt, attempt }
            })
            .collect()
    }
}

impl Pull for RedisPull {
    type Message = Entry;
    type Receipt = Receipt;
    type Settle = RedisSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        (self.link, self.reading) = (None, None);
        let at = self.reader.describe();
        let mut connection = self.reader.server.connect().await?;
        check_version(&at, &mut connection).await?;
        create_group(&at, &self.reader.options, &mut connection).await?;
        let client = call(&mut connection, cmd("CLIENT").arg("ID"))
            .await
            .ok_or_else(|| late(&at, "cannot connect"))?
            // The number only serves to end a read early.
            .unwrap_or(0);
        self.link = Some(Link { connection, client });
        self.scan = Scan::new();
        Ok(())
    }

    fn settle_half(&mut self) -> RedisSettle {
        self.reader.consumer = new_consumer();
        RedisSettle::new(self.reader.clone())
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Entry, Receipt>>, ConnectError> {
        if self.ready.is_empty() {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                none => {
                    let Some(link) = &self.link else {
                        return Err(ConnectError::gone(self.describe(), "cannot read", "not connected"));
                    };
                    let connection = link.connection.clone();
                    let read = read(self.reader.clone(), connection, self.scan.clone(), at_most, wait);
                    none.insert(Box::pin(read))
                }
            };
            let read = reading.await;
            self.reading = None;
            let (entries, scan) = read?;
            self.scan = scan;
            self.ready.extend(entries);
        }
        Ok(self.take(at_most))
    }

    fn header<'a>(message: &'a Entry, name: &str) -> Option<Cow<'a, str>> {
        message.fields.get(name).map(|value| String::from_utf8_lossy(value))
    }

    fn describe(&self) -> String {
        self.reader.describe()
    }
}

impl Drop for RedisPull {
    fn drop(&mut self) {
        let (reading, link) = (self.reading.take(), self.link.take());
        if reading.is_none() && self.ready.is_empty() {
            return;
        }
        // Without a runtime, the entries wait for the end of their leases.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut open = std::mem::take(&mut self.ready);
        let reader = self.reader.clone();
        runtime.spawn(async move {
            if let (Some(reading), Some(link)) = (reading, link) {
                end_early(&reader, link.client).await;
                if let Ok(Ok((entries, _))) = timeout(PATIENCE, reading).await {
                    open.extend(entries);
                }
            }
            let released: Vec<_> = open
                .iter()
                .map(|(entry, attempt)| {
                    let receipt = Receipt { id: entry.id.as_str().into(), attempt: *attempt };
                    (receipt, Disposition::Release)
                })
                .collect();
            if let Err(error) = RedisSettle::new(reader).settle(&released).await {
                tracing::warn!(%error, "entries wait for the end of their lease");
            }
        });
    }
}

/// Ends a read that blocks, so that no more entries reach a consumer that has ended.
async fn end_early(reader: &Reader, client: i64) {
    if let Ok(mut link) = reader.server.connect().await {
        let _ = call::<Value>(&mut link, cmd("CLIENT").arg("UNBLOCK").arg(client)).await;
    }
}

/// Reads until there is an entry, or `wait` has passed.
async fn read(
    reader: Reader,
    mut link: MultiplexedConnection,
    mut scan: Scan,
    at_most: NonZeroUsize,
    wait: Duration,
) -> Result<(Vec<Numbered>, Scan), ConnectError> {
    let begun = Instant::now();
    loop {
        if Instant::now() >= scan.next {
            let claimed = claim(&reader, &mut link, &mut scan, at_most).await?;
            if !claimed.is_empty() {
                return Ok((claimed, scan));
            }
        }
        let left = wait.saturating_sub(begun.elapsed());
        let entries = read_new(&reader, &mut link, at_most, left.min(reader.options.claim_every)).await?;
        if !entries.is_empty() || begun.elapsed() >= wait {
            return Ok((entries, scan));
        }
    }
}

/// Receives entries whose lease has ended. A part of the group's open entries is searched in one call.
async fn claim(
    reader: &Reader,
    link: &mut MultiplexedConnection,
    scan: &mut Scan,
    at_most: NonZeroUsize,
) -> Result<Vec<Numbered>, ConnectError> {
    let what = "cannot claim entries";
    let ReadOptions { stream, group, lease, claim_every, .. } = &*reader.options;
    for _ in 0..SEARCHES {
        let mut command = script(CLAIM, &[stream, &reader.options.due()]);
        command.arg(group).arg(&*reader.consumer).arg(millis(*lease)).arg(at_most.get()).arg(&scan.cursor);
        let reply = call::<Value>(link, &command).await.ok_or_else(|| late(&reader.describe(), what))?;
        let reply = reply.map_err(|error| failed(&reader.describe(), what, error))?;
        let claimed = reply::claimed(reply).ok_or_else(|| strange(&reader.describe(), what))?;
        for id in claimed.trimmed {
            let at = reader.describe();
            tracing::error!(id, "{at}: an entry was removed from the stream before it was acknowledged");
        }
        scan.cursor = claimed.cursor;
        if scan.cursor == START {
            scan.next = Instant::now() + *claim_every;
        }
        if !claimed.entries.is_empty() || scan.cursor == START {
            return Ok(claimed.entries);
        }
    }
    scan.next = Instant::now() + *claim_every;
    Ok(Vec::new())
}

async fn read_new(
    reader: &Reader,
    link: &mut MultiplexedConnection,
    at_most: NonZeroUsize,
    block: Duration,
) -> Result<Vec<Numbered>, ConnectError> {
    let what = "cannot read";
    let ReadOptions { stream, group, .. } = &*reader.options;
    let mut command = cmd("XREADGROUP");
    command.arg("GROUP").arg(group).arg(&*reader.consumer).arg("COUNT").arg(at_most.get());
    // Zero would block without limit.
    if millis(block) > 0 {
        command.arg("BLOCK").arg(millis(block));
    }
    command.arg("STREAMS").arg(stream).arg(">");
    let reply = timeout(block + PATIENCE, command.query_async::<Value>(link))
        .await
        .map_err(|_| late(&reader.describe(), what))?
        .map_err(|error| failed(&reader.describe(), what, error))?;
    reply::read(reply).ok_or_else(|| strange(&reader.describe(), what))
}

/// Refuses servers whose `XAUTOCLAIM` does not report removed entries.
async fn check_version(at: &str, link: &mut MultiplexedConnection) -> Result<(), ConnectError> {
    let what = "cannot read the version";
    let info = match call::<String>(link, cmd("INFO").arg("server")).await.ok_or_else(|| late(at, what))? {
        Ok(info) => info,
        // Not every user may read it.
        Err(error) if error.code() == Some("NOPERM") => return Ok(()),
        Err(error) => return Err(failed(at, what, error)),
    };
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(7);
    if major >= 7 {
        return Ok(());
    }
    Err(ConnectError::fatal(at, format_args!("the server is Redis {version}"), "use Redis 7.0 or later"))
}

async fn create_group(
    at: &str,
    options: &ReadOptions,
    link: &mut MultiplexedConnection,
) -> Result<(), ConnectError> {
    let what = "cannot create the group";
    let start = match options.start {
        StartAt::Oldest => "0",
        StartAt::New => "$",
    };
    let mut command = cmd("XGROUP");
    command.arg("CREATE").arg(&options.stream).arg(&options.group).arg(start).arg("MKSTREAM");
    match call::<Value>(link, &command).await.ok_or_else(|| late(at, what))? {
        Err(error) if error.code() != Some("BUSYGROUP") => Err(failed(at, what, error)),
        _ => Ok(()),
    }
}

/// Returns a name that no other consumer has, so that entries of an ended one are recognised.
fn new_consumer() -> Arc<str> {
    format!("stage-{}-{:016x}", std::process::id(), random()).into()
}

impl std::fmt::Debug for RedisPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisPull").field("at", &self.describe()).finish_non_exhaustive()
    }
}
