//! A run's view of the durable queue: hands out leases, and decides when transfers may start again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage_core::ack::{Deliveries, Delivery};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::outage::{Gate, Outage};
use super::{Finish, Lease, Witness};
use crate::repository::{Direction, GivenBack, Repository, RepositoryError, Scope, TransferId, Waiting};
use crate::store::Storage;

/// The delays of a failed transfer before its second and its third attempt.
pub(super) const DELAYS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// Number of attempts before a transfer has failed.
#[allow(clippy::cast_possible_truncation, reason = "three")]
pub const ATTEMPTS: u32 = DELAYS.len() as u32 + 1;

/// Maximum number of transfers under way, most of which wait for the next commit.
const OPEN: usize = 1024;

/// The transfers of one scope; cheap to clone. A rebuilt starter continues where its predecessor stopped.
#[derive(Debug)]
pub struct Queue<F> {
    pub(super) shared: Arc<Shared<F>>,
}

#[derive(Debug)]
pub(super) struct Shared<F> {
    pub(super) repository: Arc<dyn Repository>,
    scope: Scope,
    pub(super) storage: Storage,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) finish: F,
    run: Mutex<Run>,
    changed: Notify,
}

/// The state of a run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Number of leases whose verdicts are not settled.
    pub(super) open: usize,
    /// Failed transfers by the time of their next attempt, on a monotonic clock. They stay leased, so a killed run
    /// loses none.
    pub(super) delayed: BTreeSet<(Instant, TransferId)>,
    /// The queue was empty, and nothing has returned to it since.
    dry: bool,
    pub(super) outage: Outage,
    /// The outage that ended the run.
    gave_up: Option<String>,
    pub(super) is_stopping: bool,
    /// A verdict could not be settled, for a defect of this program.
    pub(super) is_broken: bool,
}

impl<F: Finish> Queue<F> {
    /// Creates the queue of this scope. It completes transfers by `finish`, and reports their ends to `witness`.
    pub fn new(
        repository: Arc<dyn Repository>,
        scope: Scope,
        storage: Storage,
        witness: Arc<dyn Witness>,
        finish: F,
    ) -> Self {
        let (run, changed) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { repository, scope, storage, witness, finish, run, changed }) }
    }

    /// Returns the amount of work.
    ///
    /// # Errors
    /// Any error of the repository.
    pub async fn waiting(&self) -> Result<Waiting, RepositoryError> {
        self.shared.repository.waiting(&self.shared.scope).await
    }

    /// Leases up to `limit` transfers; none after [`Queue::stop`], and none while too many are under way.
    ///
    /// # Errors
    /// Any error of the repository, unless transfers are under way.
    pub async fn lease(
        &self,
        deliveries: &Deliveries<Arc<Lease<F::End>>>,
        limit: usize,
    ) -> Result<Vec<Delivery<Arc<Lease<F::End>>>>, RepositoryError> {
        {
            let mut run = self.run();
            if run.dry || run.is_stopping || run.open >= OPEN {
                return Ok(Vec::new());
            }
            // Until the answer: a transfer that returns in the meantime resets this.
            run.dry = true;
        }
        let leased = match self.shared.repository.lease(&self.shared.scope, limit).await {
            Ok(leased) => leased,
            // Probably a full disk. Transfers in progress continue and may free space when they end.
            Err(error) if self.open() > 0 => {
                tracing::warn!(%error, "cannot lease more transfers, retrying later");
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut run = self.run();
        run.dry &= leased.is_empty();
        run.open += leased.len();
        let handed = leased.into_iter().map(|transfer| Arc::new(Lease::new(transfer)));
        Ok(deliveries.deliver(handed.map(|lease| (Arc::clone(&lease), lease))).collect())
    }

    /// Takes over the unfinished transfers of other drips that have ended. Returns whether there are any.
    ///
    /// # Errors
    /// Any error of the repository.
    pub(super) async fn take_over(&self) -> Result<bool, RepositoryError> {
        if self.run().is_stopping {
            return Ok(false);
        }
        let left = self.shared.repository.take_over().await?;
        for transfer in left.iter().filter(|transfer| transfer.direction == Direction::Upload) {
            self.shared.storage.sweep(&transfer.media.storage_key);
        }
        if !left.is_empty() {
            tracing::info!(
                transfers = left.len(),
                "another drip has ended; its transfers are back in the queue"
            );
        }
        self.give_back(left.iter().map(|transfer| GivenBack::Failed(transfer.id)).collect()).await;
        Ok(!left.is_empty())
    }

    /// Returns the transfers whose delay is over to the durable queue, and all delayed ones if the run `ends`.
    pub(super) async fn return_delayed(&self, ends: bool) {
        let due: Vec<_> = {
            let (now, mut run) = (Instant::now(), self.run());
            let all = ends || run.is_stopping;
            let due = run.delayed.extract_if(.., |(time, _)| all || *time <= now);
            let failed: Vec<_> = due.map(|(_, transfer)| GivenBack::Failed(transfer)).collect();
            run.open += failed.len();
            failed
        };
        if !due.is_empty() {
            let _settling = self.settling(due.len());
            self.give_back(due).await;
        }
    }

    pub(super) async fn give_back(&self, transfers: Vec<GivenBack>) {
        if !transfers.is_empty() {
            if let Err(error) = self.shared.repository.give_back(transfers).await {
                // They stay leased.
                tracing::error!(%error, "cannot return transfers to the queue; the next run recovers them");
            }
            self.run().dry = false;
        }
    }

    /// Marks these transfers as settled when the value is dropped, also by a panic.
    pub(super) fn settling(&self, transfers: usize) -> Settling<'_, F> {
        Settling { queue: self, transfers }
    }

    pub(super) fn run(&self) -> MutexGuard<'_, Run> {
        self.shared.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of unfinished transfers, which may return to the queue.
    pub fn open(&self) -> usize {
        let run = self.run();
        run.open + run.delayed.len()
    }

    /// Whether nothing is left to do: no transfer is unfinished, none has returned to the queue, and no outage holds
    /// back queued ones.
    pub(super) fn is_done(&self) -> bool {
        let run = self.run();
        let is_closed = matches!(run.outage.gate(Instant::now()), Gate::Closed(_));
        run.open == 0 && run.delayed.is_empty() && (run.is_stopping || run.dry && !is_closed)
    }

    /// Whether an outage lets transfers start.
    pub fn gate(&self) -> Gate {
        self.run().outage.gate(Instant::now())
    }

    /// The outage that ended the run, if one did.
    pub fn gave_up(&self) -> Option<String> {
        self.run().gave_up.clone()
    }

    /// Waits until a verdict was settled or a stop has arrived since the last call, or until a delay is over. Cancel
    /// safe.
    pub async fn arrived(&self) {
        let next = self.run().next();
        match next {
            // Whether the time elapsed or a verdict arrived makes no difference to the caller.
            Some(next) => drop(timeout_at(next, self.shared.changed.notified()).await),
            None => self.shared.changed.notified().await,
        }
    }

    /// Waits until all verdicts of an ended pipeline are settled.
    pub async fn settled(&self) {
        while self.open() > 0 {
            self.arrived().await;
        }
    }

    /// Stops leasing; from now on, dropped transfers return to the queue without counting an attempt.
    pub fn stop(&self) {
        self.run().is_stopping = true;
        self.shared.changed.notify_one();
    }
}

impl Run {
    /// The time of the next action if nothing else happens first.
    fn next(&self) -> Option<Instant> {
        let reopens = match self.outage.gate(Instant::now()) {
            Gate::Closed(time) => Some(time),
            Gate::Open | Gate::One => None,
        };
        self.delayed.first().map(|(time, _)| *time).into_iter().chain(reopens).min()
    }

    /// Records a transfer that met an outage: all transfers wait, and if it lasts too long, no more are started.
    pub(super) fn meets_outage(&mut self, cause: &str, witness: &dyn Witness) {
        let now = Instant::now();
        if self.outage.met(now) && !self.is_stopping {
            witness.waits(cause);
        }
        if self.outage.is_too_long(now) && self.gave_up.is_none() {
            self.gave_up = Some(cause.to_owned());
            self.is_stopping = true;
        }
    }
}

/// Transfers whose verdicts are being settled.
pub(super) struct Settling<'a, F: Finish> {
    queue: &'a Queue<F>,
    transfers: usize,
}

impl<F: Finish> Drop for Settling<'_, F> {
    fn drop(&mut self) {
        let mut run = self.queue.run();
        run.open -= self.transfers;
        run.is_broken |= std::thread::panicking();
        drop(run);
        self.queue.shared.changed.notify_one();
    }
}

impl<F> Clone for Queue<F> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
