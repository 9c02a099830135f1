//! Passes the verdicts of a source to its lanes.

use std::time::Duration;

use stage_core::BoxError;
use stage_core::ack::{Acknowledger, Reason, RejectedDelivery};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::shared::{Ticket, Verdict};

/// The longest wait for the lanes and the keeper at the end; the pipeline waits for 5 s.
const AT_END: Duration = Duration::from_millis(4500);

/// Routes each verdict to the lane that waits for it.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) keeper: AbortOnDrop,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct AbortOnDrop(pub(super) JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Acknowledger for Teller {
    type Receipt = Ticket;

    async fn settle(
        &mut self,
        acknowledged: &[Ticket],
        rejected: &[RejectedDelivery<Ticket>],
    ) -> Result<(), BoxError> {
        for ticket in acknowledged {
            ticket.judge(Verdict::Handled);
        }
        for RejectedDelivery { receipt, reason } in rejected {
            receipt.judge(verdict(reason));
        }
        Ok(())
    }

    /// Waits until each frame is settled and each lease is given back.
    async fn finish(&mut self) -> Result<(), BoxError> {
        match timeout(AT_END, &mut self.keeper.0).await {
            Ok(ended) => Ok(ended?),
            Err(_) => {
                Err("the leases of the edge were not given back in time; they end by themselves".into())
            }
        }
    }
}

fn verdict(reason: &Reason) -> Verdict {
    let cause = reason.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match reason {
        Reason::Stopped | Reason::Untried => Verdict::UNTRIED,
        Reason::Postponed(after) => Verdict::Postponed(*after),
        Reason::Hopeless(_) => Verdict::Failed { cause, hopeless: true },
        // `Reason` may grow: whatever else happened to the events, they were not handled.
        _ => Verdict::Failed { cause, hopeless: false },
    }
}
