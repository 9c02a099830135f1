//! Reports that are also the requests for the next frame.
//!
//! The half that reports offers its report to the half that receives. If that half is about to ask for a frame, it sends both
//! as one message, and the frame that follows confirms the report. Otherwise the report is sent on its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::reader::NatsReceipt;

/// The longest wait for the frame behind a report alone, before the report is repeated with a confirmation of its own.
const SOON: Duration = Duration::from_millis(250);

/// The answer to an offer.
#[derive(Debug)]
pub(super) enum Offer {
    /// A later frame confirms the report.
    Confirmed,
    /// The report was sent, and a frame may still confirm it.
    Sent(oneshot::Receiver<()>),
    /// The report was not taken, or its request has failed.
    Failed,
}

/// The report that the receiving half may send.
#[derive(Debug, Default)]
pub(super) struct Handover(Mutex<Option<Report>>);

/// The report that a frame is accepted, to be sent as a request.
#[derive(Debug)]
pub(super) struct Report {
    reply: Arc<str>,
    position: u64,
    confirmed: oneshot::Sender<()>,
}

impl Report {
    /// Returns the subject of the report.
    pub(super) fn reply(&self) -> Arc<str> {
        Arc::clone(&self.reply)
    }

    /// Notes the frame that came behind the report. A later one confirms it: the consumer has one frame in flight. The same
    /// one or an earlier one was delivered again by a server that does not know the report.
    pub(super) fn followed_by(self, position: u64) {
        if position > self.position {
            // The reporting half may have given up.
            let _ = self.confirmed.send(());
        }
    }
}

impl Handover {
    fn swap(&self, report: Option<Report>) -> Option<Report> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), report)
    }

    /// Takes the report that waits to be sent.
    pub(super) fn take(&self) -> Option<Report> {
        self.swap(None)
    }

    /// Offers the report that a frame is accepted, and waits for a later frame that confirms it. Cancel safe: a report that was
    /// sent counts, and may be repeated.
    pub(super) async fn offer(&self, receipt: &NatsReceipt) -> Offer {
        let (confirmed, mut confirmation) = oneshot::channel();
        self.swap(Some(Report { reply: Arc::clone(&receipt.reply), position: receipt.position, confirmed }));
        let offered = Offered(self);
        // A half that receives in the same task takes it meanwhile.
        yield_now().await;
        drop(offered);
        match timeout(SOON, &mut confirmation).await {
            Ok(Ok(())) => Offer::Confirmed,
            // It was withdrawn, or its request has failed or was given up.
            Ok(Err(_)) => Offer::Failed,
            Err(_) => Offer::Sent(confirmation),
        }
    }
}

/// Withdraws an offer when it is dropped, so that a report that was not taken is not sent after its call has ended.
struct Offered<'a>(&'a Handover);

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn offer(handover: &Handover, next: Option<u64>) -> bool {
        let receipt = NatsReceipt { reply: "$JS.ACK".into(), position: 7, attempt: 1 };
        let receiving = async {
            let report = handover.take().unwrap();
            assert_eq!(&*report.reply(), "$JS.ACK");
            if let Some(next) = next {
                report.followed_by(next);
            }
        };
        matches!(tokio::join!(handover.offer(&receipt), receiving).0, Offer::Confirmed)
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_later_frame_confirms_a_report() {
        let handover = Handover::default();
        for (next, confirmed) in [(Some(8), true), (Some(7), false), (Some(6), false), (None, false)] {
            assert_eq!(offer(&handover, next).await, confirmed, "{next:?}");
            assert!(handover.take().is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_nobody_takes_at_once_is_withdrawn() {
        let handover = Handover::default();
        let receipt = NatsReceipt { reply: "$JS.ACK".into(), position: 7, attempt: 1 };
        assert!(matches!(handover.offer(&receipt).await, Offer::Failed));
        assert!(handover.take().is_none());
        // One that was taken is waited for alone for a time, and may be confirmed later.
        let late = async {
            let report = handover.take().unwrap();
            tokio::time::sleep(2 * SOON).await;
            report.followed_by(8);
        };
        let begun = tokio::time::Instant::now();
        let offered = async {
            let Offer::Sent(confirmation) = handover.offer(&receipt).await else { panic!("not sent") };
            let alone = begun.elapsed();
            (alone, confirmation.await, begun.elapsed())
        };
        assert_eq!(tokio::join!(offered, late).0, (SOON, Ok(()), 2 * SOON));
    }
}
