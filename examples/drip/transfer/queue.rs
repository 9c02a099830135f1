//! A run's view of the durable queue: hands out leases and processes verdicts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::outage::Gate;
use super::pace::Pace;
use super::{Failure, Hold, Judged, Verdict, Verdicts, Witness};
use crate::repository::{GivenBack, GivenUp, Repository, RepositoryError, Scope, Waiting};
use crate::store::Storage;

/// Number of attempts before a transfer has failed.
pub const ATTEMPTS: u32 = 3;

/// The transfers of one scope; cheap to clone. A rebuilt starter continues where its predecessor stopped.
#[derive(Debug, Clone)]
pub struct Queue {
    repository: Arc<dyn Repository>,
    scope: Scope,
    storage: Storage,
    verdicts: Verdicts,
    witness: Arc<dyn Witness>,
    pace: Arc<Mutex<Pace>>,
}

impl Queue {
    /// Creates the queue of this scope. It reports the end of each transfer to `witness`.
    pub fn new(
        repository: Arc<dyn Repository>,
        scope: Scope,
        storage: Storage,
        witness: Arc<dyn Witness>,
    ) -> Self {
        Self { repository, scope, storage, verdicts: Verdicts::default(), witness, pace: Arc::default() }
    }

    /// Returns the amount of work.
    ///
    /// # Errors
    /// Any error of the repository.
    pub async fn waiting(&self) -> Result<Waiting, RepositoryError> {
        self.repository.waiting(&self.scope).await
    }

    /// Leases up to `limit` transfers; none after [`Queue::stop`].
    ///
    /// # Errors
    /// Any error of the repository.
    pub async fn lease(&self, limit: usize) -> Result<Vec<Hold>, RepositoryError> {
        if self.is_stopping() {
            return Ok(Vec::new());
        }
        let leased = self.repository.lease(&self.scope, limit).await?;
        Ok(leased.into_iter().map(|transfer| Hold::new(transfer, &self.verdicts)).collect())
    }

    /// Processes the verdicts that arrived, and returns the number of transfers that returned to the queue or
    /// left it. Transient failures return after a delay; permanent failures are removed.
    ///
    /// If cancelled, it leaves transfers leased for the next run to recover.
    pub async fn settle(&self) -> usize {
        let judged = self.verdicts.take();
        let mut back = Vec::new();
        let mut lost = Vec::new();
        let returned = self.judge_all(&judged, &mut back, &mut lost);
        // If this fails, the transfers stay leased and the next run recovers them. Their failures are
        // reported either way.
        if !back.is_empty()
            && let Err(error) = self.repository.give_back(back).await
        {
            tracing::error!(%error, "cannot return transfers to the queue; the next run recovers them");
        }
        if !lost.is_empty()
            && let Err(error) = self.give_up(lost).await
        {
            tracing::error!(%error, "cannot remove failed transfers from the queue; the next run recovers them");
        }
        judged.len() + returned
    }

    /// Sorts the verdicts, and returns the number of transfers whose delay is over.
    fn judge_all(&self, judged: &[Judged], back: &mut Vec<GivenBack>, lost: &mut Vec<GivenUp>) -> usize {
        let now = Instant::now();
        let mut pace = self.pace();
        for judged in judged {
            self.judge(judged, now, &mut pace, back, lost);
        }
        let is_ending = pace.is_over || self.is_stopping();
        let due = if is_ending { pace.delayed.all() } else { pace.delayed.due(now) };
        back.extend(due.iter().map(|transfer| GivenBack::Failed(*transfer)));
        due.len()
    }

    /// Removes transfers from the queue; uploads are kept as dead. A late failure may leave an object that no
    /// medium names, so that object is removed as well.
    async fn give_up(&self, lost: Vec<GivenUp>) -> Result<(), RepositoryError> {
        for key in self.repository.give_up(lost).await? {
            if let Err(error) = self.storage.remove(&key).await {
                // A retry overwrites the object, and forgetting the upload removes it.
                tracing::info!(%error, "cannot remove the partial object of a failed upload");
            }
        }
        Ok(())
    }

    fn judge(
        &self,
        judged: &Judged,
        now: Instant,
        pace: &mut Pace,
        back: &mut Vec<GivenBack>,
        lost: &mut Vec<GivenUp>,
    ) {
        let transfer = &judged.transfer;
        let failure = match &judged.verdict {
            Verdict::Done(bytes) => {
                if pace.outage.got_through() {
                    self.witness.goes_on();
                }
                return self.witness.done(transfer, *bytes);
            }
            Verdict::Failed(failure) => failure,
        };
        self.witness.taken_back(judged.moved);
        match failure {
            Failure::Stopped => back.push(GivenBack::Stopped(transfer.id)),
            Failure::Passing(cause) if transfer.attempts < ATTEMPTS => {
                tracing::info!(file = %transfer.path.display(), attempt = transfer.attempts, cause, "will be retried");
                pace.delayed.add(transfer.id, transfer.attempts, now);
            }
            Failure::Unavailable(cause) => {
                back.push(GivenBack::Stopped(transfer.id));
                self.wait(cause, now, pace);
            }
            Failure::Passing(cause) | Failure::Permanent(cause) => {
                lost.push(GivenUp { transfer: transfer.id, cause: cause.clone() });
                self.witness.failed(transfer, cause);
            }
        }
    }

    /// Handles a transfer that met an outage: all transfers wait, and if it lasts too long, no more are
    /// started.
    fn wait(&self, cause: &str, now: Instant, pace: &mut Pace) {
        if pace.outage.met(now) && !self.is_stopping() {
            self.witness.waits(cause);
        }
        if pace.outage.is_too_long(now) && pace.gave_up.is_none() {
            pace.gave_up = Some(cause.to_owned());
            self.verdicts.stop();
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of unfinished transfers, which may return to the queue.
    pub fn open(&self) -> usize {
        self.under_way() + self.pace().delayed.len()
    }

    /// Number of unfinished transfers, excluding those that only wait for their next attempt.
    pub(super) fn under_way(&self) -> usize {
        self.verdicts.open()
    }

    /// Whether an outage lets transfers start.
    pub(super) fn gate(&self) -> Gate {
        self.pace().outage.gate(Instant::now())
    }

    /// The outage that ended the run, if one did.
    pub fn gave_up(&self) -> Option<String> {
        self.pace().gave_up.clone()
    }

    /// Ends the run: transfers no longer wait for their next attempt.
    pub fn close(&self) {
        self.pace().is_over = true;
    }

    /// Waits until a verdict or a stop has arrived since the last call, or until a delay is over. Cancel
    /// safe.
    pub async fn arrived(&self) {
        let next = self.pace().next(Instant::now());
        match next {
            // Whether the time elapsed or a verdict arrived makes no difference to the caller.
            Some(next) => drop(tokio::time::timeout_at(next, self.verdicts.arrived()).await),
            None => self.verdicts.arrived().await,
        }
    }

    /// Whether no new transfers should be started.
    pub fn is_stopping(&self) -> bool {
        self.verdicts.stopping()
    }

    /// Stops leasing; from now on, dropped transfers return to the queue without counting an attempt.
    pub fn stop(&self) {
        self.verdicts.stop();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::super::testing::Notes;
    use super::*;
    use crate::repository::sqlite::Sqlite;
    use crate::repository::{NewUpload, Stored};

    async fn queue_of(names: &[&str]) -> (Queue, Arc<Notes>) {
        let repository: Arc<dyn Repository> = Arc::new(Sqlite::in_memory());
        let user = repository.user("a@b.c").await.unwrap();
        let upload = |name: &&str| NewUpload {
            full_path: name.into(),
            relative_path: name.into(),
            size: 1,
            ..NewUpload::default()
        };
        repository.add_uploads(user, names.iter().map(upload).collect()).await.unwrap();
        let notes = Notes::new();
        (Queue::new(repository, Scope::Uploads, Storage::in_memory(), notes.clone()), notes)
    }

    async fn waiting(queue: &Queue) -> u64 {
        queue.waiting().await.unwrap().files
    }

    #[tokio::test]
    async fn a_transfer_that_is_lost_is_tried_three_times_and_then_failed_once() {
        let (queue, notes) = queue_of(&["a"]).await;
        for _ in 0..ATTEMPTS {
            let leased = queue.lease(5).await.unwrap();
            assert_eq!(leased.len(), 1);
            drop(leased);
            queue.settle().await;
            while queue.open() > 0 {
                assert!(queue.lease(5).await.unwrap().is_empty(), "it waits before it is tried again");
                queue.arrived().await;
                queue.settle().await;
            }
        }
        assert!(queue.lease(5).await.unwrap().is_empty());
        assert_eq!(queue.open(), 0);
        assert_eq!(waiting(&queue).await, 0);
        let failures: Vec<_> = notes.lines().into_iter().filter(|l| l.contains("failed")).collect();
        assert_eq!(failures, ["a failed: a stage that held a piece of it was restarted"]);
    }

    #[tokio::test]
    async fn a_permanent_failure_is_not_retried() {
        let (queue, notes) = queue_of(&["a", "b"]).await;
        let mut leased = queue.lease(1).await.unwrap();
        let hold = leased.remove(0);
        hold.fail(Failure::permanent("the stored object is missing"));
        hold.handled();
        queue.settle().await;
        assert_eq!(waiting(&queue).await, 1, "the other one");
        assert_eq!(notes.lines(), ["took back 0", "a failed: the stored object is missing"]);
    }

    #[tokio::test]
    async fn a_stopped_transfer_returns_and_does_not_count_as_an_attempt() {
        let (queue, notes) = queue_of(&["a"]).await;
        let leased = queue.lease(1).await.unwrap();
        queue.stop();
        drop(leased);
        queue.settle().await;
        assert_eq!(waiting(&queue).await, 1);
        assert_eq!(notes.lines(), ["took back 0"]);
        let again = queue.repository.lease(&Scope::Uploads, 1).await.unwrap();
        assert_eq!(again[0].attempts, 1);
    }

    #[tokio::test]
    async fn an_outage_costs_no_attempt_and_ends_with_the_first_transfer_that_gets_through() {
        let (queue, notes) = queue_of(&["a", "b"]).await;
        let unavailable = || Failure::Unavailable("no answer".to_owned());
        for hold in queue.lease(2).await.unwrap() {
            hold.fail(unavailable());
            hold.handled();
        }
        assert_eq!(queue.settle().await, 2);
        assert!(matches!(queue.gate(), Gate::Closed(_)));
        assert_eq!((queue.open(), waiting(&queue).await), (0, 2), "both are back");
        queue.arrived().await;
        queue.arrived().await;
        assert_eq!(queue.gate(), Gate::One);

        let hold = queue.lease(1).await.unwrap().remove(0);
        assert_eq!(hold.transfer().attempts, 1);
        hold.done(1);
        hold.handled();
        queue.settle().await;
        assert_eq!((queue.gate(), queue.gave_up()), (Gate::Open, None));
        let notes: Vec<_> = notes.lines().into_iter().filter(|line| !line.starts_with("took")).collect();
        assert_eq!(notes, ["a done, 1"], "an outage of a second is not worth a line");
    }

    #[tokio::test]
    async fn a_transfer_waiting_for_a_retry_returns_at_once_at_the_end_of_the_run() {
        let (queue, _) = queue_of(&["a"]).await;
        drop(queue.lease(1).await.unwrap());
        queue.settle().await;
        assert_eq!((queue.open(), waiting(&queue).await), (1, 0));
        queue.close();
        queue.settle().await;
        assert_eq!((queue.open(), waiting(&queue).await), (0, 1));
    }

    #[tokio::test]
    async fn the_partial_object_of_a_failed_upload_is_removed() {
        let (queue, _) = queue_of(&["a"]).await;
        let hold = queue.lease(1).await.unwrap().remove(0);
        let key = hold.transfer().media.storage_key.clone();
        queue.storage.write(&key, 0).finish().await.unwrap();
        hold.fail(Failure::permanent("stored, but not recorded"));
        hold.handled();
        queue.settle().await;
        assert!(queue.storage.read(&key).await.is_err());
    }

    #[tokio::test]
    async fn an_upload_that_was_recorded_before_it_failed_keeps_its_object() {
        let (queue, _) = queue_of(&["a"]).await;
        let hold = queue.lease(1).await.unwrap().remove(0);
        let transfer = hold.transfer().clone();
        let key = &transfer.media.storage_key;
        queue.storage.write(key, 0).finish().await.unwrap();
        let stored = Stored {
            transfer: transfer.id,
            media: transfer.media.id,
            size: 0,
            checksum: [0; 32],
            attributes: transfer.media.attributes.clone(),
            object_size: 0,
        };
        queue.repository.finish_uploads(vec![stored]).await.unwrap();
        hold.fail(Failure::permanent("too late"));
        hold.handled();
        queue.settle().await;
        queue.storage.read(key).await.unwrap();
    }

    #[tokio::test]
    async fn verdicts_whose_settling_is_cut_off_do_not_keep_the_queue_open() {
        let (queue, _) = queue_of(&["a"]).await;
        drop(queue.lease(1).await.unwrap());
        queue.close();
        let _cut_off = Box::pin(queue.settle()).now_or_never();
        assert_eq!(queue.open(), 0);
    }
}
