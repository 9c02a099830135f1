//! Appends entries to a stream.

use redis::aio::MultiplexedConnection;
use redis::cmd;
use stage_connect::{ConnectError, MessageId, Push, PutError};

use crate::entry::Fields;
use crate::error::{failed, late};
use crate::options::{Append, Limit};
use crate::script::{APPEND, call, script};
use crate::server::Server;
use crate::settle::millis;

/// The maximum number of entries in one call of the script, which no other client of the server can interrupt.
const AT_ONCE: usize = 256;
/// The number of bytes after which a call takes no further entry.
const BYTES_AT_ONCE: usize = 1 << 20;
/// The maximum number of fields of an entry: more do not fit onto the stack of the script.
const FIELDS: usize = 3500;
/// The maximum size of a name or a value, which is the server's.
const VALUE: usize = 512 << 20;

/// Appends entries to a stream, each id once within the time of [`Append::once_within`].
///
/// An entry counts as stored when the server has applied it. Whether it survives a power cut depends on the server's
/// settings `appendonly` and `appendfsync`, and a failover on its replication.
///
/// The numbers of a pipeline become entries of a stream; it needs a server:
///
/// ```no_run
/// use stage_connect::{PushOptions, sink};
/// use stage_core::Pipeline;
/// use stage_redis::{Append, Fields, RedisPush, Server};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new("redis://127.0.0.1:6379")?;
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..100_u64))
///     .step_fn("message", |number| Fields::payload(number.to_string()))
///     .finish("store", move || {
///         let push = RedisPush::new(server.clone(), Append::to("numbers"));
///         Ok(sink::pushed_plain(push, PushOptions::new()))
///     });
/// pipeline.start().await?.join().await?;
/// # Ok(())
/// # }
/// ```
pub struct RedisPush {
    server: Server,
    options: Append,
    link: Option<MultiplexedConnection>,
}

impl RedisPush {
    /// Returns a writer to the stream in `options`.
    pub const fn new(server: Server, options: Append) -> Self {
        Self { server, options, link: None }
    }
}

impl Push for RedisPush {
    type Message = Fields;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        self.link = None;
        let mut link = self.server.connect().await?;
        let (at, what) = (self.describe(), "cannot connect");
        let kind: String = call(&mut link, cmd("TYPE").arg(&self.options.stream))
            .await
            .ok_or_else(|| late(&at, what))?
            .map_err(|error| failed(&at, what, error))?;
        if !matches!(kind.as_str(), "stream" | "none") {
            let wrong = format!("the key holds a {kind}");
            return Err(ConnectError::fatal(at, wrong, "choose a key that holds a stream"));
        }
        self.link = Some(link);
        Ok(())
    }

    async fn put(&mut self, messages: &[(MessageId, Fields)]) -> Result<usize, PutError> {
        let fit = messages.iter().take(AT_ONCE).take_while(|(_, fields)| refusal(fields).is_none()).count();
        if let (0, Some((_, first))) = (fit, messages.first()) {
            let cause = refusal(first).unwrap_or_default();
            return Err(PutError::Refused { index: 0, cause });
        }
        let (at, what) = (self.describe(), "cannot append");
        let Some(mut link) = self.link.take() else {
            return Err(ConnectError::gone(at, what, "not connected").into());
        };
        let command = self.command(&messages[..fit]);
        let put = call::<usize>(&mut link, &command).await.ok_or_else(|| late(&at, what))?;
        let full = PutError::Full { after: self.options.retry_full };
        let stored = match put {
            Ok(stored) => stored,
            Err(error) if error.code() == Some("OOM") => {
                self.link = Some(link);
                return Err(full);
            }
            Err(error) => return Err(failed(&at, what, error).into()),
        };
        self.link = Some(link);
        if stored == 0 && fit > 0 { Err(full) } else { Ok(stored) }
    }

    fn set_header(message: &mut Fields, name: &str, value: &str) {
        message.set(name, value);
    }

    fn describe(&self) -> String {
        format!("{} stream `{}`", self.server.name(), self.options.stream)
    }
}

impl RedisPush {
    fn command(&self, messages: &[(MessageId, Fields)]) -> redis::Cmd {
        let (limit, most) = match self.options.limit {
            Limit::None => ("none", 0),
            Limit::Unread(most) => ("unread", most),
            Limit::Latest(most) => ("latest", most),
        };
        let mut command = script(APPEND, &[&self.options.stream]);
        command.arg(limit).arg(most).arg(millis(self.options.once_within));
        let mut bytes = 0;
        for (id, fields) in messages {
            command.arg(id.as_str()).arg(fields.len());
            for (name, value) in fields.iter() {
                command.arg(&**name).arg(&**value);
                bytes += name.len() + value.len();
            }
            if bytes > BYTES_AT_ONCE {
                break;
            }
        }
        command
    }
}

/// Returns why no server takes such an entry.
fn refusal(fields: &Fields) -> Option<String> {
    if fields.is_empty() {
        return Some("an entry needs at least one field".to_owned());
    }
    if fields.len() > FIELDS {
        return Some(format!("the entry has {} fields, of at most {FIELDS}", fields.len()));
    }
    let largest = fields.iter().map(|(name, value)| name.len().max(value.len())).max()?;
    (largest > VALUE).then(|| format!("a value has {largest} bytes, of at most {VALUE}"))
}

impl std::fmt::Debug for RedisPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisPush").field("at", &self.describe()).finish_non_exhaustive()
    }
}
