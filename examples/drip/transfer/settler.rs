//! Settles the verdicts on transfers: records those that are done, returns or removes those that failed.

use std::sync::Arc;

use stage_core::BoxError;
use stage_core::ack::{Acknowledger, RejectedDelivery};
use tokio::time::Instant;

use super::queue::{ATTEMPTS, DELAYS, Run};
use super::{Failure, Finish, Lease, Queue};
use crate::repository::{GivenBack, GivenUp, RepositoryError};

/// The acknowledger of a queue. A batch of verdicts holds those that arrived while the previous one was recorded, so
/// all files that end in the meantime share the cost of a sync.
#[derive(Debug)]
pub struct Settler<F>(Queue<F>);

/// A judged transfer, and its number of clear bytes.
type Outcome<E> = (Arc<Lease<E>>, Result<u64, Failure>);

/// The failed transfers of a batch.
#[derive(Debug, Default)]
struct Failed {
    back: Vec<GivenBack>,
    lost: Vec<GivenUp>,
}

impl<F: Finish> Settler<F> {
    /// Creates the settler of a queue.
    pub fn new(queue: Queue<F>) -> Self {
        Self(queue)
    }

    async fn outcomes(
        &self,
        handled: &[Arc<Lease<F::End>>],
        rejected: &[RejectedDelivery<Arc<Lease<F::End>>>],
    ) -> Vec<Outcome<F::End>> {
        let mut failed = Vec::new();
        for RejectedDelivery { receipt, reason } in rejected {
            // Removes the temporary file, before the transfer can start again.
            drop(receipt.take_end());
            failed.push((Arc::clone(receipt), Err(Failure::of(reason, self.0.run().is_stopping))));
        }
        let mut ended = Vec::new();
        for lease in handled {
            match lease.take_end() {
                Some(end) => ended.push((Arc::clone(lease), end)),
                // All pieces were handled, but none ended the transfer.
                None => failed.push((Arc::clone(lease), Err(Failure::lost()))),
            }
        }
        let leases: Vec<_> = ended.iter().map(|(lease, _)| Arc::clone(lease)).collect();
        let finished = if ended.is_empty() { Vec::new() } else { self.0.shared.finish.finish(ended).await };
        leases.into_iter().zip(finished).chain(failed).collect()
    }

    fn judge(&self, (lease, outcome): &Outcome<F::End>, run: &mut Run, failed: &mut Failed) {
        let (transfer, witness) = (&lease.transfer, &*self.0.shared.witness);
        let failure = match outcome {
            Ok(bytes) => {
                if run.outage.got_through() {
                    witness.goes_on();
                }
                return witness.done(transfer, *bytes);
            }
            Err(failure) => failure,
        };
        witness.taken_back(lease.bytes_moved());
        match failure {
            Failure::Stopped => failed.back.push(GivenBack::Stopped(transfer.id)),
            Failure::Passing(cause) if transfer.attempts < ATTEMPTS => {
                tracing::info!(file = %transfer.path.display(), attempt = transfer.attempts, cause, "will be retried");
                let delay = DELAYS[transfer.attempts.saturating_sub(1) as usize];
                run.delayed.insert((Instant::now() + delay, transfer.id));
            }
            Failure::Unavailable(cause) => {
                failed.back.push(GivenBack::Stopped(transfer.id));
                run.meets_outage(cause, witness);
            }
            Failure::Passing(cause) | Failure::Permanent(cause) => {
                failed.lost.push(GivenUp { transfer: transfer.id, cause: cause.clone() });
                witness.failed(transfer, cause);
            }
        }
    }

    /// Removes transfers from the queue; uploads are kept as dead. A late failure may leave an object that no
    /// medium names, so that object is removed as well.
    async fn give_up(&self, lost: Vec<GivenUp>) -> Result<(), RepositoryError> {
        for key in self.0.shared.repository.give_up(lost).await? {
            if let Err(error) = self.0.shared.storage.remove(&key).await {
                // A retry overwrites the object, and forgetting the upload removes it.
                tracing::info!(%error, "cannot remove the partial object of a failed upload");
            }
        }
        Ok(())
    }
}

impl<F: Finish> Acknowledger for Settler<F> {
    type Receipt = Arc<Lease<F::End>>;

    /// Returns no error: the failures of transfers are reported by name, and what cannot be written stays leased, so
    /// that the next run recovers it.
    async fn settle(
        &mut self,
        handled: &[Self::Receipt],
        rejected: &[RejectedDelivery<Self::Receipt>],
    ) -> Result<(), BoxError> {
        let _settling = self.0.settling(handled.len() + rejected.len());
        let outcomes = self.outcomes(handled, rejected).await;
        let mut failed = Failed::default();
        {
            let mut run = self.0.run();
            for outcome in &outcomes {
                self.judge(outcome, &mut run, &mut failed);
            }
        }
        self.0.give_back(failed.back).await;
        if !failed.lost.is_empty()
            && let Err(error) = self.give_up(failed.lost).await
        {
            tracing::error!(%error, "cannot remove failed transfers from the queue; the next run recovers them");
        }
        Ok(())
    }

    /// Ends the delays: no starter waits for them.
    async fn finish(&mut self) -> Result<(), BoxError> {
        self.0.return_delayed(true).await;
        Ok(())
    }
}
