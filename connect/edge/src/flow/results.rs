//! Hands out the results of a partition until each is handled or dead.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_connect::{ErrorKind, Settle};
use tokio::time::sleep;

use super::lane::FoldLane;
use super::numbered::Numbered;
use crate::edge::Edge;
use crate::source::lane::{Halt, failed, finish};
use crate::source::shared::{Ready, Ticket, Verdict};

/// The maximum number of results that are handed out together.
const AT_ONCE: usize = 1024;

impl<E: Edge, T, K, A> FoldLane<E, T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Serialize + DeserializeOwned + Send + 'static,
    A: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    /// Hands out results, in order, until all are handled or dead.
    pub(super) async fn hand_out(&mut self, mut results: Vec<Numbered<K, A>>) -> Result<(), Halt> {
        while !results.is_empty() {
            let rest = results.split_off(results.len().min(AT_ONCE));
            self.hand_out_together(std::mem::replace(&mut results, rest)).await?;
        }
        Ok(())
    }

    async fn hand_out_together(&mut self, results: Vec<Numbered<K, A>>) -> Result<(), Halt> {
        loop {
            match self.judged(results.clone()).await? {
                Verdict::Handled => return Ok(()),
                Verdict::Postponed(after) => self.wait(after).await?,
                Verdict::Failed { cause, .. } => {
                    tracing::debug!(server = self.calls.server(), cause, "a result failed");
                    break;
                }
            }
        }
        self.wait(self.delay(1)).await?;
        for result in results {
            self.hand_out_one(result).await?;
        }
        Ok(())
    }

    async fn hand_out_one(&mut self, result: Numbered<K, A>) -> Result<(), Halt> {
        let mut begun = 0;
        loop {
            begun += 1;
            match self.judged(vec![result.clone()]).await? {
                Verdict::Handled => return Ok(()),
                Verdict::Postponed(after) => {
                    begun -= 1;
                    self.wait(after).await?;
                }
                Verdict::Failed { cause, hopeless } if hopeless || begun >= self.spec.attempts => {
                    let place = format!("result-{}", result.number);
                    let encoded = postcard::to_stdvec(&result).unwrap_or_default();
                    return self.bury(&place, begun, &cause, &encoded).await;
                }
                Verdict::Failed { .. } => self.wait(self.delay(begun)).await?,
            }
        }
    }

    /// Hands results to the stage, and awaits the verdict.
    async fn judged(&mut self, events: Vec<Numbered<K, A>>) -> Result<Verdict, Halt> {
        let (ticket, verdict) = Ticket::new();
        let (partition, part) = (self.partition, self.partition.to_string());
        self.gauges.set_of("in_hand", part.clone(), events.len() as u64);
        self.shared.hand(Ready { partition, events, ticket, orders: self.orders.clone() });
        let verdict = self.holding(verdict).await?.unwrap_or(Verdict::UNTRIED);
        self.gauges.set_of("in_hand", part, 0);
        Ok(verdict)
    }

    fn delay(&self, begun: u32) -> Duration {
        self.recipe.retry.delay(begun.saturating_sub(1), self.calls.seed()).unwrap_or_default()
    }

    /// Waits before the next attempt. Halts if the lane is to finish: the results are those of the next owner.
    async fn wait(&mut self, time: Duration) -> Result<(), Halt> {
        let (shared, orders) = (Arc::clone(&self.shared), self.orders.clone());
        let waited = async {
            tokio::select! {
                biased;
                () = finish(orders, &shared) => Err(Halt),
                () = sleep(time) => Ok(()),
            }
        };
        self.holding(waited).await?
    }

    /// Awaits `done` while the leases of the frames in hand are renewed.
    async fn holding<R>(&mut self, done: impl Future<Output = R>) -> Result<R, Halt> {
        let lease = self.settle.lease().unwrap_or(self.spec.ack_wait);
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                biased;
                done = &mut done => return Ok(done),
                () = sleep(lease / 3) => {}
            }
            match self.calls.answer("cannot renew a lease", self.settle.extend(&self.receipts)).await {
                Ok(()) => {}
                // The next renewal may succeed.
                Err(error) if error.kind() == ErrorKind::Gone => {
                    tracing::warn!(%error, "cannot renew a lease");
                }
                Err(error) => failed(&mut self.calls, &self.shared, error)?,
            }
        }
    }
}
