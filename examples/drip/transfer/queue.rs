//! The durable queue as one run sees it: leases out, verdicts in.

use std::sync::Arc;

use super::{Failure, Hold, Judged, Verdict, Verdicts, Witness};
use crate::repository::{GivenBack, Repository, RepositoryError, Scope, TransferId};

/// How often a transfer is tried before it has failed.
pub const ATTEMPTS: u32 = 3;

/// The transfers of one scope; cheap to clone. A starter that is rebuilt goes on where the old one was.
#[derive(Debug, Clone)]
pub struct Queue {
    repository: Arc<dyn Repository>,
    scope: Scope,
    verdicts: Verdicts,
    witness: Arc<dyn Witness>,
}

impl Queue {
    /// The queue of this scope. `witness` is told how each transfer ends.
    pub fn new(repository: Arc<dyn Repository>, scope: Scope, witness: Arc<dyn Witness>) -> Self {
        Self { repository, scope, verdicts: Verdicts::default(), witness }
    }

    /// Takes up to `limit` transfers out; none after [`Queue::stop`].
    ///
    /// # Errors
    /// What the repository says.
    pub async fn lease(&self, limit: usize) -> Result<Vec<Hold>, RepositoryError> {
        if self.verdicts.stopping() {
            return Ok(Vec::new());
        }
        let leased = self.repository.lease(&self.scope, limit).await?;
        Ok(leased.into_iter().map(|transfer| Hold::new(transfer, &self.verdicts)).collect())
    }

    /// Deals with the verdicts that arrived, and says how many did: what failed in passing goes back, what failed for good is
    /// taken out.
    pub async fn settle(&self) -> usize {
        let judged = self.verdicts.take();
        let count = judged.len();
        let mut back = Vec::new();
        let mut lost = Vec::new();
        for judged in &judged {
            self.judge(judged, &mut back, &mut lost);
        }
        // If this fails the transfers stay leased; the next run finds them. Their failures are told either way.
        if !back.is_empty()
            && let Err(error) = self.repository.give_back(back).await
        {
            tracing::error!(%error, "transfers could not go back into the queue; the next run will find them");
        }
        if !lost.is_empty()
            && let Err(error) = self.repository.give_up(lost).await
        {
            tracing::error!(%error, "failed transfers could not be taken out of the queue");
        }
        self.verdicts.settled(count);
        count
    }

    fn judge(&self, judged: &Judged, back: &mut Vec<GivenBack>, lost: &mut Vec<TransferId>) {
        let transfer = &judged.transfer;
        let failure = match &judged.verdict {
            Verdict::Done(bytes) => return self.witness.done(transfer, *bytes),
            Verdict::Failed(failure) => failure,
        };
        self.witness.taken_back(judged.moved);
        match failure {
            Failure::Stopped => {
                back.push(GivenBack::Stopped(transfer.id));
                self.witness.returned(transfer);
            }
            Failure::Passing(cause) if transfer.attempts < ATTEMPTS => {
                tracing::info!(file = %transfer.path.display(), attempt = transfer.attempts, cause, "will be tried again");
                back.push(GivenBack::Failed(transfer.id));
            }
            Failure::Passing(cause) | Failure::Permanent(cause) => {
                lost.push(transfer.id);
                self.witness.failed(transfer, cause);
            }
        }
    }

    /// Transfers that are out: they may come back.
    pub fn open(&self) -> usize {
        self.verdicts.open()
    }

    /// Waits until a verdict arrived since the last call. Cancel safe.
    pub async fn arrived(&self) {
        self.verdicts.arrived().await;
    }

    /// From now on nothing is leased, and what is dropped goes back uncounted.
    pub fn stop(&self) {
        self.verdicts.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Notes;
    use super::*;
    use crate::repository::sqlite::Sqlite;
    use crate::repository::{NewUpload, Waiting};

    async fn queue_of(names: &[&str]) -> (Queue, Arc<dyn Repository>, Arc<Notes>) {
        let repository: Arc<dyn Repository> = Arc::new(Sqlite::in_memory());
        let user = repository.user("a@b.c").await.unwrap();
        let upload = |name: &&str| NewUpload { full_path: name.into(), relative_path: name.into(), size: 1 };
        repository.add_uploads(user, names.iter().map(upload).collect()).await.unwrap();
        let notes = Notes::new();
        (Queue::new(repository.clone(), Scope::Uploads, notes.clone()), repository, notes)
    }

    async fn waiting(repository: &Arc<dyn Repository>) -> u64 {
        let Waiting { files, .. } = repository.waiting(&Scope::Uploads).await.unwrap();
        files
    }

    #[tokio::test]
    async fn a_transfer_that_is_lost_is_tried_three_times_and_then_failed_once() {
        let (queue, repository, notes) = queue_of(&["a"]).await;
        for _ in 0..ATTEMPTS {
            let leased = queue.lease(5).await.unwrap();
            assert_eq!(leased.len(), 1);
            drop(leased);
            queue.settle().await;
        }
        assert!(queue.lease(5).await.unwrap().is_empty());
        assert_eq!(queue.open(), 0);
        assert_eq!(waiting(&repository).await, 0);
        let failures: Vec<_> = notes.lines().into_iter().filter(|l| l.contains("failed")).collect();
        assert_eq!(failures, ["a failed: a stage that held a piece of it was restarted"]);
    }

    #[tokio::test]
    async fn a_permanent_failure_is_not_tried_again() {
        let (queue, repository, notes) = queue_of(&["a", "b"]).await;
        let mut leased = queue.lease(1).await.unwrap();
        let hold = leased.remove(0);
        hold.fail(Failure::permanent("the stored object is missing"));
        hold.handled();
        queue.settle().await;
        assert_eq!(waiting(&repository).await, 1, "the other one");
        assert_eq!(notes.lines(), ["took back 0", "a failed: the stored object is missing"]);
    }

    #[tokio::test]
    async fn what_is_stopped_returns_and_does_not_count_as_an_attempt() {
        let (queue, repository, notes) = queue_of(&["a"]).await;
        let leased = queue.lease(1).await.unwrap();
        queue.stop();
        drop(leased);
        queue.settle().await;
        assert_eq!(waiting(&repository).await, 1);
        assert_eq!(notes.lines(), ["took back 0", "a returned"]);
        let again = repository.lease(&Scope::Uploads, 1).await.unwrap();
        assert_eq!(again[0].attempts, 1);
    }
}
