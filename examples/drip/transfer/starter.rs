//! The first stage of both pipelines: leases transfers on demand and cuts them into pieces.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use stage_core::ack::{AckOptions, Deliveries, Delivery, Waiting};
use stage_core::piecewise::{CutPieces, Cutter};
use stage_core::{BoxError, Context, Demand, Emitter, Fatal, Init, Producer, StageResult};

use super::outage::Gate;
use super::{ATTEMPTS, Finish, Lease, Piece, Queue, Settler};
use crate::repository::RepositoryError;

/// Number of transfers cut concurrently, one piece each in turn: enough to keep most copies of the next step
/// busy.
const OPEN: usize = 8;

/// Number of transfers leased per transaction.
const LEASED: usize = 64;

/// Time for which a verdict waits for others while the starter has work: a sync briefly blocks every writer to the
/// same file system.
const APART: Duration = Duration::from_millis(50);

/// Serves demand from the queue. Remembers demand that it cannot serve yet, until the queue is empty and no
/// transfer can return.
#[derive(Debug)]
pub struct Starter<C: CutPieces, F: Finish> {
    queue: Queue<F>,
    /// The started transfers.
    cutter: Cutter<C>,
    deliveries: Option<Deliveries<Arc<Lease<F::End>>>>,
    /// Pending demand.
    wanted: usize,
    leased: VecDeque<Delivery<Arc<Lease<F::End>>>>,
    /// The most recently started transfer is on its last attempt and runs alone.
    alone: bool,
}

impl<C: CutPieces<Whole = Lease<F::End>>, F: Finish> Starter<C, F> {
    /// Creates a starter that serves `queue`, cut by `cut`.
    pub fn new(queue: Queue<F>, cut: C) -> Self {
        let (cutter, leased) = (Cutter::new(cut), VecDeque::new());
        Self { queue, cutter, deliveries: None, wanted: 0, leased, alone: false }
    }

    /// Returns the next piece of the transfer whose turn it is, or `None` if there is none at the moment.
    async fn next_piece(&mut self) -> Result<Option<Piece<F::End, C::Out>>, RepositoryError> {
        loop {
            while self.cutter.len() < OPEN
                && let Some(lease) = self.next_lease().await?
            {
                self.cutter.add(lease);
            }
            if self.cutter.is_empty() {
                return Ok(None);
            }
            if let Some(piece) = self.cutter.next().await {
                return Ok(Some(piece));
            }
        }
    }

    async fn next_lease(&mut self) -> Result<Option<Delivery<Arc<Lease<F::End>>>>, RepositoryError> {
        if self.queue.run().is_stopping {
            // Leased transfers that were not started return to the queue; started ones continue.
            self.leased.clear();
            return Ok(None);
        }
        if !self.is_let_through() {
            return Ok(None);
        }
        if self.leased.is_empty()
            && let Some(deliveries) = &self.deliveries
        {
            self.leased = self.queue.lease(deliveries, LEASED).await?.into();
        }
        if !self.may_begin() {
            return Ok(None);
        }
        let next = self.leased.pop_front();
        self.alone = next.as_ref().is_some_and(is_last_attempt);
        Ok(next)
    }

    /// Whether an outage allows a transfer to start; a single one probes whether the outage is over.
    fn is_let_through(&self) -> bool {
        match self.queue.gate() {
            Gate::Open => true,
            Gate::One => self.queue.run().open == self.leased.len(),
            Gate::Closed(_) => false,
        }
    }

    /// Whether the next transfer may start. A last attempt runs alone: a failing stage takes all transfers it
    /// holds with it, and no transfer may fail permanently because of another one.
    fn may_begin(&self) -> bool {
        let under_way = self.queue.run().open > self.leased.len();
        !under_way || !(self.alone || self.leased.front().is_some_and(is_last_attempt))
    }

    fn set_waiting(&self, waiting: Waiting) {
        if let Some(deliveries) = &self.deliveries {
            deliveries.set_waiting(waiting);
        }
    }
}

fn is_last_attempt<E>(lease: &Delivery<Arc<Lease<E>>>) -> bool {
    lease.peek().transfer.attempts >= ATTEMPTS
}

impl<C: CutPieces<Whole = Lease<F::End>>, F: Finish> Producer for Starter<C, F> {
    type Event = Piece<F::End, C::Out>;

    /// With two starters, each would judge on its own whether the queue is empty.
    const SINGLE: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let settler = Settler::new(self.queue.clone());
        self.deliveries = Some(cx.acknowledge_by(settler, AckOptions::new().linger(APART)));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        self.wanted += demand.get();
        let mut draining = pin!(out.draining());
        while self.wanted > 0 {
            if draining.as_mut().now_or_never().is_some() {
                return Ok(());
            }
            self.queue.return_delayed(false).await;
            match self.next_piece().await? {
                Some(piece) => {
                    out.emit(piece);
                    self.wanted -= 1;
                }
                None if self.queue.run().is_broken => {
                    return Err(Fatal::new("the ends of transfers can no longer be recorded").into());
                }
                None if self.queue.is_done() => {
                    if self.queue.take_over().await? {
                        continue;
                    }
                    out.finish();
                    return Ok(());
                }
                // None at the moment, but transfers in progress may return.
                None => {
                    out.flush();
                    self.set_waiting(Waiting::ForVerdicts);
                    let arrived = pin!(self.queue.arrived());
                    let drains = matches!(select(arrived, draining.as_mut()).await, Either::Right(_));
                    self.set_waiting(Waiting::No);
                    if drains {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
