//! Writes verdicts to a consumer group, and renews leases.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
use redis::aio::MultiplexedConnection;
use stage_connect::{ConnectError, Disposition, Settle};

use crate::error::{failed, late};
use crate::options::ReadOptions;
use crate::script::{EXTEND, LEAVE, SETTLE, call, script};
use crate::server::Server;

/// The maximum number of entries in one call of a script, which no other client of the server can interrupt.
const AT_ONCE: usize = 256;

/// Identifies one delivery of an entry to one consumer.
///
/// The example of [`RedisPull`](crate::RedisPull) settles one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) id: Arc<str>,
    pub(crate) attempt: u32,
}

/// The names by which the server knows a reader.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) server: Server,
    pub(crate) options: Arc<ReadOptions>,
    pub(crate) consumer: Arc<str>,
}

impl Reader {
    /// Returns the server and the object, for messages.
    pub(crate) fn describe(&self) -> String {
        let ReadOptions { stream, group, .. } = &*self.options;
        format!("{} stream `{stream}` group `{group}`", self.server.name())
    }
}

/// The half of a [`RedisPull`](crate::RedisPull) that reports to the server.
///
/// The example of [`RedisPull`](crate::RedisPull) settles entries with it.
#[derive(Debug)]
pub struct RedisSettle {
    reader: Reader,
    link: Option<MultiplexedConnection>,
}

impl RedisSettle {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader, link: None }
    }

    /// Calls a script that counts the receipts it did not know.
    async fn count(&mut self, what: &str, command: &Cmd) -> Result<i64, ConnectError> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.reader.server.connect().await?,
        };
        let at = self.reader.describe();
        let counted = call(&mut link, command).await.ok_or_else(|| late(&at, what))?.or_else(|error| {
            // The stream is gone with its group, for example after a restart without persistence.
            if error.code() == Some("NOGROUP") { Ok(0) } else { Err(failed(&at, what, error)) }
        })?;
        // After an error the next call opens a new connection.
        self.link = Some(link);
        Ok(counted)
    }
}

impl Settle for RedisSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        for chunk in settled.chunks(AT_ONCE) {
            let ReadOptions { stream, group, lease, delete, .. } = &*self.reader.options;
            let (due, dead) = (self.reader.options.due(), self.reader.options.dead());
            let mut command = script(SETTLE, &[stream, &due, &dead]);
            command.arg(group).arg(&*self.reader.consumer).arg(millis(*lease)).arg(u8::from(*delete));
            let accepted = || chunk.iter().filter(|(_, disposition)| *disposition == Disposition::Accept);
            command.arg(accepted().count());
            for (receipt, _) in accepted() {
                command.arg(&*receipt.id);
            }
            for (receipt, disposition) in chunk {
                let (verb, argument) = match disposition {
                    Disposition::Accept => continue,
                    Disposition::Release => ("release", Cow::Borrowed("")),
                    Disposition::Retry { after } => ("retry", Cow::Owned(millis(*after).to_string())),
                    Disposition::Dead { cause } => ("dead", Cow::Borrowed(&**cause)),
                };
                command.arg(&*receipt.id).arg(receipt.attempt).arg(verb).arg(&*argument);
            }
            let stale = self.count("cannot write verdicts", &command).await?;
            if stale > 0 {
                let at = self.reader.describe();
                tracing::warn!(
                    stale,
                    "{at}: verdicts ignored: another consumer has received their entries since"
                );
            }
        }
        Ok(())
    }

    async fn extend(&mut self, open: &[Receipt]) -> Result<(), ConnectError> {
        for chunk in open.chunks(AT_ONCE) {
            let ReadOptions { stream, group, .. } = &*self.reader.options;
            let mut command = script(EXTEND, &[stream]);
            command.arg(group).arg(&*self.reader.consumer);
            for receipt in chunk {
                command.arg(&*receipt.id).arg(receipt.attempt);
            }
            let lost = self.count("cannot renew leases", &command).await?;
            if lost > 0 {
                let at = self.reader.describe();
                tracing::warn!(lost, "{at}: leases ended before they were renewed");
            }
        }
        Ok(())
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.reader.options.lease)
    }

    async fn finish(&mut self) -> Result<(), ConnectError> {
        let ReadOptions { stream, group, .. } = &*self.reader.options;
        let mut command = script(LEAVE, &[stream]);
        command.arg(group).arg(&*self.reader.consumer);
        self.count("cannot remove the consumer", &command).await.map(drop)
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(1 << 50)
}
