//! Hands out the results of a partition until each is handled or dead.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use super::lane::FoldLane;
use super::numbered::Numbered;
use crate::edge::Edge;
use crate::source::lane::{Halt, finish, holding};
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
    pub(super) async fn hand_out(&mut self, results: Vec<Numbered<K, A>>) -> Result<(), Halt> {
        let mut results = results.into_iter();
        while results.len() > 0 {
            self.hand_out_together(results.by_ref().take(AT_ONCE).collect()).await?;
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
        let orders = self.orders.clone();
        self.shared.hand(Ready { partition, events, ticket, orders, origin: None });
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

    /// Awaits `done` while the leases of the frames in hand, and of those that wait, are renewed.
    async fn holding<R>(&mut self, done: impl Future<Output = R>) -> Result<R, Halt> {
        let waiting = self.waiting.iter().map(|frame| &frame.receipt);
        let frames: Vec<_> = self.receipts.iter().chain(waiting).cloned().collect();
        holding(&mut self.settle, &self.spec, &frames, &mut self.calls, &self.shared, done).await
    }
}
