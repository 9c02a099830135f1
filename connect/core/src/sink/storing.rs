//! Stores messages, and tries again after transient errors.

use std::sync::Arc;
use std::time::Duration;

use stage_core::{BoxError, StageResult};
use tokio::time::{sleep, timeout};

use super::shows::Shows;
use crate::error::{ConnectError, ErrorKind};
use crate::message_id::MessageId;
use crate::outage::{Outage, answer};
use crate::push::{Push, PutError};
use crate::push_options::{Numbering, PushOptions};
use crate::source::ending;

/// A connection for messages, which is opened again after each error.
pub(super) struct Storing<P: Push> {
    push: P,
    server: String,
    options: PushOptions<P::Message>,
    numbering: Numbering<P::Message>,
    outage: Outage,
    open: bool,
}

/// The longest wait for the server while the pipeline starts.
const AT_START: Duration = Duration::from_secs(5);

/// The longest wait for the server without a message to store, as the stage ends only after it.
const IDLE: Duration = Duration::from_secs(2);

/// Progress with a list of messages.
pub(super) enum Stored {
    /// The next messages, in order, are stored.
    Next(usize),
    /// The next message is refused for good.
    Refused { cause: String },
}

impl<P: Push> Storing<P> {
    pub(super) fn new(push: P, options: PushOptions<P::Message>) -> Self {
        let outage = Outage::new(options.reconnect);
        let (server, numbering) = (push.describe(), options.numbering());
        Self { push, server, numbering, options, outage, open: false }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) const fn options(&self) -> &PushOptions<P::Message> {
        &self.options
    }

    /// Connects while the stage starts. If the server is away, returns the delay before the next attempt.
    ///
    /// The error of a call ends the stage.
    pub(super) async fn begin(&mut self, cx: &mut impl Shows) -> Result<Option<Duration>, BoxError> {
        cx.set_waiting_for(None);
        self.try_connect(AT_START, cx).await?;
        Ok(self.delay())
    }

    /// Connects once, without a message to store. If the server is away, returns the delay before the next attempt.
    /// A drain waits for this attempt, a stop does not.
    ///
    /// The error of a call ends the stage.
    pub(super) async fn reconnect(&mut self, cx: &mut impl Shows) -> Result<Option<Duration>, BoxError> {
        let draining = cx.draining();
        tokio::select! {
            biased;
            () = draining => Ok(None),
            connected = self.try_connect(IDLE, cx) => connected.map(|()| self.delay()),
        }
    }

    fn delay(&self) -> Option<Duration> {
        self.outage.delay().filter(|_| !self.open)
    }

    async fn try_connect(&mut self, limit: Duration, cx: &mut impl Shows) -> StageResult {
        if self.open {
            return Ok(());
        }
        self.attempt(self.options.answer.min(limit), cx).await?;
        if self.open {
            cx.set_waiting_for(None);
            tracing::info!(server = self.server, "connected");
        }
        Ok(())
    }

    /// Makes an attempt to connect. If the server is away, the connection remains closed.
    async fn attempt(&mut self, limit: Duration, cx: &mut impl Shows) -> StageResult {
        match answer(&self.server, "cannot connect", limit, self.push.connect()).await {
            Ok(()) => {
                self.open = true;
                Ok(())
            }
            Err(error) => self.lose(error, cx),
        }
    }

    pub(super) fn numbered(&mut self, message: P::Message) -> (MessageId, P::Message) {
        (self.numbering.id(&message), message)
    }

    /// Stores messages in order and reports progress, until all of them are stored or refused.
    ///
    /// The error of a call ends the stage; the messages without a report are not known to be stored.
    pub(super) async fn store(
        &mut self,
        messages: &[(MessageId, P::Message)],
        cx: &mut impl Shows,
        mut report: impl FnMut(Stored) + Send,
    ) -> StageResult {
        let mut rest = messages;
        while !rest.is_empty() {
            self.connect(cx).await?;
            let list = &rest[..self.options.call.first(rest)];
            let put = match timeout(self.options.answer, self.push.put(list)).await {
                Ok(put) => put,
                Err(_) => Err(self.no_answer().into()),
            };
            match put {
                Ok(0) => {
                    let error = ConnectError::gone(&self.server, "cannot store", "nothing was stored");
                    self.lose(error, cx)?;
                }
                Ok(stored) => {
                    let stored = stored.min(list.len());
                    rest = &rest[stored..];
                    self.outage.ended();
                    cx.set_waiting_for(None);
                    report(Stored::Next(stored));
                }
                Err(PutError::Full { after }) => {
                    cx.set_waiting_for(Some(&format!("the server {}, which is full", self.server)));
                    sleep(after).await;
                }
                Err(PutError::Connect(error)) => self.lose(error, cx)?,
                Err(PutError::Refused { index, cause }) => {
                    let before = index.min(list.len() - 1);
                    if before > 0 {
                        report(Stored::Next(before));
                    }
                    rest = &rest[before + 1..];
                    tracing::warn!(server = self.server, cause, "a message is refused");
                    report(Stored::Refused { cause });
                }
            }
        }
        Ok(())
    }

    fn no_answer(&self) -> ConnectError {
        ConnectError::gone(
            &self.server,
            "cannot store",
            format!("no answer within {:?}", self.options.answer),
        )
    }

    /// Connects, and tries again after each transient error.
    async fn connect(&mut self, cx: &mut impl Shows) -> StageResult {
        while !self.open {
            if let Some(delay) = self.outage.delay() {
                sleep(delay).await;
            }
            self.attempt(self.options.answer, cx).await?;
        }
        Ok(())
    }

    fn lose(&mut self, error: ConnectError, cx: &mut impl Shows) -> StageResult {
        self.open = false;
        match error.kind() {
            ErrorKind::Gone => {
                self.outage.failed();
                tracing::warn!(%error, "waiting for the server");
                cx.set_waiting_for(Some(&format!("the server {error}")));
                Ok(())
            }
            ErrorKind::Fenced | ErrorKind::Fatal => {
                let error: BoxError = ending(Arc::new(error));
                Err(error)
            }
        }
    }
}
