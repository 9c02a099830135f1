//! Acknowledges messages, and renews leases.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use stage_connect::{ConnectError, Disposition, Pulled, Settle};

use crate::api;
use crate::consumer;
use crate::error::ApiError;
use crate::inbox::{Answer, Asked, Inbox, ask_all};
use crate::link::{Link, Unanswered};
use crate::message::NatsMessage;
use crate::options::ReadOptions;
use crate::read::Received;
use crate::report::{Reported, report};
use crate::server::Server;

/// The maximum number of reports that wait for their confirmation at once.
const AT_ONCE: usize = 500;

/// Identifies one delivery of a message.
///
/// The example of [`NatsPull`](crate::NatsPull) settles one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    reply: Arc<str>,
    sequence: u64,
    attempt: u32,
}

/// The state that both halves share.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) server: Server,
    pub(crate) options: ReadOptions,
    /// How often a message was released by this process. The server counts each of these deliveries as an attempt.
    released: Mutex<HashMap<u64, u32>>,
}

impl Reader {
    pub(crate) fn new(server: Server, options: ReadOptions) -> Self {
        Self { server, options, released: Mutex::default() }
    }

    /// Returns the server and the object, for messages.
    pub(crate) fn describe(&self) -> String {
        let ReadOptions { stream, consumer, .. } = &self.options;
        format!("{} stream `{stream}` consumer `{consumer}`", self.server.name())
    }

    fn released(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.released.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers the attempts of a message.
    pub(crate) fn pulled(&self, received: Received) -> Pulled<NatsMessage, Receipt> {
        let Received { message, reply, delivered } = received;
        let released = self.released().get(&message.sequence).copied().unwrap_or(0);
        let attempt = delivered.saturating_sub(released).max(1);
        let receipt = Receipt { reply: reply.into(), sequence: message.sequence, attempt };
        Pulled { message, receipt, attempt }
    }
}

/// The half of a [`NatsPull`](crate::NatsPull) that reports to the server.
///
/// The example of [`NatsPull`](crate::NatsPull) settles messages with it.
#[derive(Debug)]
pub struct NatsSettle {
    reader: Arc<Reader>,
    link: Option<Link>,
}

impl NatsSettle {
    pub(crate) const fn new(reader: Arc<Reader>) -> Self {
        Self { reader, link: None }
    }

    /// Returns the connection. It is put back after a call that succeeded.
    async fn link(&mut self) -> Result<Link, ConnectError> {
        match self.link.take() {
            Some(link) if link.is_sound() => Ok(link),
            _ => self.reader.server.connect().await,
        }
    }

    async fn report(&self, link: &Link, chunk: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        let what = "cannot settle";
        let at = self.reader.describe();
        for (receipt, disposition) in chunk {
            if let Disposition::Dead { cause } = disposition {
                self.bury(link, receipt, cause).await?;
            }
        }
        let asked = chunk.iter().map(|(receipt, disposition)| Asked {
            subject: receipt.reply.to_string(),
            headers: HeaderMap::new(),
            payload: match disposition {
                Disposition::Accept => "+ACK".into(),
                Disposition::Release => api::nak(Duration::ZERO).into(),
                Disposition::Retry { after } => api::nak(*after).into(),
                Disposition::Dead { .. } => "+TERM".into(),
            },
        });
        let reported = self.tell(link, asked.collect()).await.map_err(|error| error.at(&at, what))?;
        // A consumer that was deleted has forgotten its deliveries; one that is starting has not.
        if reported == Reported::Unheard && consumer::exists(link, &self.reader.options, &at).await? {
            return Err(ConnectError::gone(at, what, "the consumer does not answer"));
        }
        let mut released = self.reader.released();
        for (receipt, disposition) in chunk {
            match disposition {
                Disposition::Release => *released.entry(receipt.sequence).or_default() += 1,
                Disposition::Accept | Disposition::Dead { .. } => drop(released.remove(&receipt.sequence)),
                Disposition::Retry { .. } => {}
            }
        }
        Ok(())
    }

    async fn tell(&self, link: &Link, asked: Vec<Asked>) -> Result<Reported, Unanswered> {
        report(&mut Inbox::open(link).await?, &self.reader.options, asked).await
    }

    /// Publishes a dead letter, once: its id is the place of the message in its stream.
    async fn bury(&self, link: &Link, receipt: &Receipt, cause: &str) -> Result<(), ConnectError> {
        let what = "cannot publish a dead letter";
        let at = self.reader.describe();
        let ReadOptions { stream, consumer, .. } = &self.reader.options;
        let context = self.reader.server.jetstream(link);
        let found = link
            .patiently(async { context.get_stream_no_info(stream).await.map_err(|error| error.to_string()) })
            .await
            .map_err(|error| error.at(&at, what))?
            .map_err(|error| ConnectError::gone(&at, what, error))?;
        let raw = link.patiently(found.get_raw_message(receipt.sequence)).await;
        let message = match raw.map_err(|error| error.at(&at, what))? {
            Ok(message) => message,
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {
                tracing::error!(
                    sequence = receipt.sequence,
                    cause,
                    "{at}: a dead message is not in the stream any more"
                );
                return Ok(());
            }
            Err(error) => return Err(ConnectError::gone(&at, what, error.to_string())),
        };
        let mut headers = message.headers;
        let place = format!("{stream}.{consumer}.{}", receipt.sequence);
        headers.insert("Nats-Msg-Id", place.as_str());
        headers.insert("Stage-Subject", message.subject.as_str());
        headers.insert("Stage-Stream", stream.as_str());
        headers.insert("Stage-Consumer", consumer.as_str());
        headers.insert("Stage-Sequence", receipt.sequence.to_string().as_str());
        headers.insert("Stage-Attempts", receipt.attempt.to_string().as_str());
        let cause = cause.replace(['\r', '\n'], " ");
        headers.insert("Stage-Cause", cause.as_str());
        let letter = Asked { subject: self.reader.options.dead(), headers, payload: message.payload };
        let mut answers = ask_all(link, vec![letter]).await.map_err(|error| error.at(&at, what))?;
        let Some(Answer::Message(answer)) = answers.pop() else {
            return Err(ConnectError::gone(at, what, "no stream stores it at present"));
        };
        let answer = serde_json::from_slice(&answer.payload)
            .map_err(|error| ConnectError::gone(&at, what, format!("an answer is not JSON: {error}")))?;
        match ApiError::of(&answer) {
            None => Ok(()),
            Some(error) => Err(error.at(&at, what)),
        }
    }
}

impl Settle for NatsSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        if settled.is_empty() {
            return Ok(());
        }
        let link = self.link().await?;
        for chunk in settled.chunks(AT_ONCE) {
            self.report(&link, chunk).await?;
        }
        self.link = Some(link);
        Ok(())
    }

    async fn extend(&mut self, open: &[Receipt]) -> Result<(), ConnectError> {
        if open.is_empty() {
            return Ok(());
        }
        let link = self.link().await?;
        let (at, what) = (self.reader.describe(), "cannot renew leases");
        for chunk in open.chunks(AT_ONCE) {
            let asked = chunk.iter().map(|receipt| Asked {
                subject: receipt.reply.to_string(),
                headers: HeaderMap::new(),
                payload: "+WPI".into(),
            });
            self.tell(&link, asked.collect()).await.map_err(|error| error.at(&at, what))?;
        }
        self.link = Some(link);
        Ok(())
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.reader.options.lease)
    }
}
