//! The receipt of an event: where its verdict goes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use stage_core::BoxError;
use stage_core::ack::{Acknowledger, Reason, RejectedDelivery};
use tokio::sync::oneshot;

use super::counts::Counters;
use super::parts::Parts;

/// The outcome of an event.
#[derive(Debug)]
pub(super) enum Verdict {
    Acknowledged,
    Rejected(Reason),
    Unknown,
}

/// The destination of one verdict. A ticket that is dropped without one reports that it is unknown, so no request
/// waits without end.
pub(super) struct Ticket {
    reply: Mutex<Option<Reply>>,
    counters: Arc<Counters>,
}

/// The request that waits.
pub(super) enum Reply {
    /// A request of one event.
    One(oneshot::Sender<Verdict>),
    /// A request whose body is many events.
    Part(Arc<Parts>),
}

impl Ticket {
    pub(super) fn new(reply: Reply, counters: &Arc<Counters>) -> Arc<Self> {
        counters.taken.add();
        Arc::new(Self { reply: Mutex::new(Some(reply)), counters: Arc::clone(counters) })
    }

    /// Reports the verdict; a second one is ignored.
    pub(super) fn settle(&self, verdict: Verdict) {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(reply) = reply else { return };
        let counter = match verdict {
            Verdict::Acknowledged => &self.counters.acknowledged,
            Verdict::Rejected(_) => &self.counters.rejected,
            Verdict::Unknown => &self.counters.unknown,
        };
        counter.add();
        let is_read = match reply {
            Reply::One(sender) => sender.send(verdict).is_ok(),
            Reply::Part(parts) => parts.settle(verdict),
        };
        if !is_read {
            self.counters.unread.add();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Verdict::Unknown);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

/// Hands verdicts to the requests.
#[derive(Debug)]
pub(super) struct Settler;

impl Acknowledger for Settler {
    type Receipt = Arc<Ticket>;

    async fn settle(
        &mut self,
        acknowledged: &[Arc<Ticket>],
        rejected: &[RejectedDelivery<Arc<Ticket>>],
    ) -> Result<(), BoxError> {
        for ticket in acknowledged {
            ticket.settle(Verdict::Acknowledged);
        }
        for RejectedDelivery { receipt, reason } in rejected {
            receipt.settle(Verdict::Rejected(reason.clone()));
        }
        Ok(())
    }
}
