//! Acknowledges frames, and extends their time.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use stage_connect::{ConnectError, Disposition, Settle};

use super::handover::Offer;
use super::letters::{Letter, bury};
use super::reader::{Left, NatsReceipt, Reader, Role};
use crate::api;
use crate::inbox::{Asked, Inbox};
use crate::report::{Reported, report};

/// The maximum number of reports that wait for their confirmation at once.
const AT_ONCE: usize = 500;

/// The half of a [`NatsInlet`](super::NatsInlet) that reports to the server. Each report is confirmed by the server:
/// by an answer, or by the next frame.
#[derive(Debug)]
pub struct NatsInletSettle {
    reader: Arc<Reader>,
    inbox: Option<Inbox>,
}

impl NatsInletSettle {
    pub(super) const fn new(reader: Arc<Reader>) -> Self {
        Self { reader, inbox: None }
    }

    /// Returns the inbox. It is put back after a call that succeeded.
    async fn inbox(&mut self) -> Result<Inbox, ConnectError> {
        if let Some(inbox) = self.inbox.take().filter(|inbox| inbox.link.is_sound()) {
            return Ok(inbox);
        }
        let link = self.reader.line.link().await?;
        Inbox::open(&link).await.map_err(|error| error.at(&self.reader.describe(), "cannot settle"))
    }

    /// Sends a report for each receipt.
    async fn tell(&self, inbox: &mut Inbox, reports: Vec<Asked>, what: &str) -> Result<(), ConnectError> {
        let at = self.reader.describe();
        let reported = report(inbox, &self.reader.options, reports).await;
        if reported.map_err(|error| error.at(&at, what))? == Reported::Confirmed {
            return Ok(());
        }
        if self.reader.exists(&inbox.link).await? {
            // It is starting.
            return Err(ConnectError::gone(at, what, "the consumer does not answer"));
        }
        match self.reader.role {
            Role::Partition(..) => Err(self.reader.fenced()),
            // A shared consumer that was deleted has forgotten its deliveries.
            Role::Pool => Ok(()),
        }
    }

    /// Returns whether the next frame confirms the report on the last one: with one frame in flight, the server delivers no
    /// other before it has taken the report.
    fn is_confirmed_by_next(&self) -> bool {
        self.reader.options.open_at_most == 1 && matches!(self.reader.role, Role::Partition(..))
    }

    async fn report(
        &self,
        inbox: &mut Inbox,
        chunk: &[(NatsReceipt, Disposition)],
    ) -> Result<(), ConnectError> {
        let what = "cannot settle";
        for (receipt, disposition) in chunk {
            let Disposition::Dead { cause } = disposition else { continue };
            // The repetition of a report has its letter already.
            let Some(frame) = self.reader.frame(receipt.position) else { continue };
            let id = receipt.position.to_string();
            let letter = Letter { id: &id, frame, cause, attempts: receipt.attempt };
            bury(inbox, &self.reader, letter).await?;
        }
        let reports = chunk.iter().map(|(receipt, disposition)| {
            let payload = match disposition {
                Disposition::Accept | Disposition::Dead { .. } => "+ACK".into(),
                Disposition::Release => api::nak(Duration::ZERO),
                Disposition::Retry { after } => api::nak(*after),
            };
            asked(receipt, payload)
        });
        self.tell(inbox, reports.collect(), what).await?;
        for (receipt, disposition) in chunk {
            let left = match disposition {
                Disposition::Accept | Disposition::Dead { .. } => Left::Handled,
                Disposition::Release => Left::Released,
                Disposition::Retry { .. } => Left::Failed,
            };
            self.reader.settled(receipt, left);
        }
        Ok(())
    }

    /// Reports all frames, and waits for the confirmations. Cancel safe: a report may be repeated.
    async fn report_all(&mut self, settled: &[(NatsReceipt, Disposition)]) -> Result<(), ConnectError> {
        let mut inbox = self.inbox().await?;
        for chunk in settled.chunks(AT_ONCE) {
            self.report(&mut inbox, chunk).await?;
        }
        self.inbox = Some(inbox);
        Ok(())
    }
}

fn asked(receipt: &NatsReceipt, payload: String) -> Asked {
    Asked { subject: receipt.reply.to_string(), headers: HeaderMap::new(), payload: payload.into() }
}

impl Settle for NatsInletSettle {
    type Receipt = NatsReceipt;

    async fn settle(&mut self, settled: &[(NatsReceipt, Disposition)]) -> Result<(), ConnectError> {
        if settled.is_empty() {
            return Ok(());
        }
        self.reader.check_lost()?;
        let receipt = match settled {
            [(receipt, Disposition::Accept)] if self.is_confirmed_by_next() => receipt,
            _ => return self.report_all(settled).await,
        };
        match self.reader.handover.offer(receipt).await {
            Offer::Confirmed => {}
            Offer::Failed => return self.report_all(settled).await,
            // On a slow connection, the frame may come before the second confirmation.
            Offer::Sent(confirmation) => tokio::select! {
                biased;
                Ok(()) = confirmation => {}
                reported = self.report_all(settled) => return reported,
            },
        }
        self.reader.settled(receipt, Left::Handled);
        Ok(())
    }

    async fn extend(&mut self, open: &[NatsReceipt]) -> Result<(), ConnectError> {
        if open.is_empty() {
            return Ok(());
        }
        self.reader.check_lost()?;
        let mut inbox = self.inbox().await?;
        for chunk in open.chunks(AT_ONCE) {
            let reports = chunk.iter().map(|receipt| asked(receipt, "+WPI".to_owned())).collect();
            self.tell(&mut inbox, reports, "cannot extend").await?;
        }
        self.inbox = Some(inbox);
        Ok(())
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.reader.options.lease)
    }
}
