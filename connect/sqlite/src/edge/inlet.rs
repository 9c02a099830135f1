//! Receives the frames of an edge.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stage_connect::{Acks, ConnectError, Disposition, Pull, Pulled, Settle};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep};

use super::server::Place;
use crate::error::QueueError;
use crate::job::Receipt;
use crate::leased::Leased;
use crate::settle::QueueSettle;
use crate::source::AT_ONCE;

/// A look for frames that outlives a dropped call, so that its frames are returned by the next one, or go back.
type Look = Arc<Mutex<Option<JoinHandle<Result<Leased, QueueError>>>>>;

/// Leases the frames of an edge.
#[derive(Debug)]
pub struct SqliteInlet {
    place: Place,
    lessee: i64,
    look: Look,
    is_pool: bool,
}

/// Settles the frames of a [`SqliteInlet`], and renews their leases.
#[derive(Debug)]
pub struct SqliteInletSettle {
    settle: QueueSettle,
    look: Look,
}

impl SqliteInlet {
    pub(super) fn new(place: Place) -> Self {
        let lessee = place.queue.new_lessee();
        Self { place, lessee, look: Look::default(), is_pool: true }
    }

    pub(super) fn refused(place: Place) -> Self {
        Self { is_pool: false, ..Self::new(place) }
    }

    /// Looks for frames once. Cancel safe.
    async fn look(&self, at_most: usize) -> Result<Leased, ConnectError> {
        let mut look = self.look.lock().await;
        let begin = || {
            let (queue, lessee) = (self.place.queue.clone(), self.lessee);
            tokio::spawn(async move { Leased::lease(&queue, lessee, at_most).await })
        };
        let leased = look.get_or_insert_with(begin).await;
        *look = None;
        told(leased).map_err(|error| ConnectError::gone(self.describe(), "cannot lease frames", error))
    }
}

fn told(look: Result<Result<Leased, QueueError>, JoinError>) -> Result<Leased, stage_core::BoxError> {
    Ok(look??)
}

impl Pull for SqliteInlet {
    type Message = Bytes;
    type Receipt = Receipt;
    type Settle = SqliteInletSettle;

    const ACKS: Acks = Acks::Each;

    async fn connect(&mut self) -> Result<(), ConnectError> {
        if !self.is_pool {
            return Err(ConnectError::fatal(
                self.describe(),
                "an edge in a queue has no partitions",
                "use `Edge::pool`",
            ));
        }
        self.place.run("cannot open", |_, _, _, _| Ok(())).await
    }

    fn settle_half(&mut self) -> SqliteInletSettle {
        let settle = QueueSettle::new(self.place.queue.clone(), self.lessee);
        SqliteInletSettle { settle, look: Arc::clone(&self.look) }
    }

    async fn pull(
        &mut self,
        at_most: NonZeroUsize,
        wait: Duration,
    ) -> Result<Vec<Pulled<Bytes, Receipt>>, ConnectError> {
        let until = Instant::now().checked_add(wait);
        let queue = self.place.queue.clone();
        loop {
            // Registered before the look at the queue, so that no later change is missed.
            let mut changed = pin!(queue.changed().notified());
            changed.as_mut().enable();
            let leased = self.look(at_most.get().min(AT_ONCE)).await?;
            if leased.len() > 0 {
                let pulled = leased.take().into_iter().map(|job| {
                    let (receipt, attempt) = (job.receipt(), job.attempt);
                    Pulled { message: job.payload.into(), receipt, attempt }
                });
                return Ok(pulled.collect());
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = changed => {}
                () = sleep(queue.options().poll.min(left.unwrap_or(Duration::MAX))) => {}
            }
        }
    }

    fn describe(&self) -> String {
        self.place.describe()
    }
}

impl Settle for SqliteInletSettle {
    type Receipt = Receipt;

    async fn settle(&mut self, settled: &[(Receipt, Disposition)]) -> Result<(), ConnectError> {
        self.settle.settle(settled).await
    }

    async fn extend(&mut self, open: &[Receipt]) -> Result<(), ConnectError> {
        self.settle.extend(open).await
    }

    fn lease(&self) -> Option<Duration> {
        self.settle.lease()
    }

    /// Returns the frames of a look that was dropped.
    async fn finish(&mut self) -> Result<(), ConnectError> {
        let look = self.look.lock().await.take();
        if let Some(look) = look
            && let Ok(Ok(leased)) = look.await
        {
            leased.give_back().await;
        }
        Ok(())
    }
}
