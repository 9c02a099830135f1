//! The first stage of both pipelines: leases transfers on demand and cuts them into pieces.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use stage_core::{Demand, Emitter, Producer, StageResult};

use super::outage::Gate;
use super::{ATTEMPTS, Failure, Hold, Part, Piece, Queue, Shape};
use crate::repository::{RepositoryError, Transfer};

/// Number of transfers cut concurrently, one piece each in turn: enough to keep most copies of the next step
/// busy.
const OPEN: usize = 8;

/// Number of transfers leased per transaction.
const LEASED: usize = 64;

/// The source of a transfer's pieces. Called on a thread that may block.
pub trait Source: Send + 'static {
    /// The types of the pieces.
    type Shape: Shape;
    /// The state of a started transfer.
    type Open: Send;

    /// Starts a transfer.
    ///
    /// # Errors
    /// The reason why it cannot be started.
    fn open(&mut self, transfer: &Transfer) -> Result<(Self::Open, <Self::Shape as Shape>::Begin), Failure>;

    /// Returns the next part of the transfer.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    fn next(&mut self, open: &mut Self::Open) -> Result<Next<Self::Shape>, Failure>;
}

/// The next part of a transfer.
#[derive(Debug)]
pub enum Next<S: Shape> {
    /// One chunk.
    Chunk(S::Chunk),
    /// The end; no chunk follows.
    End(S::End),
}

/// Serves demand from the queue. Remembers demand that it cannot serve yet, until the queue is empty and no
/// transfer can return.
#[derive(Debug)]
pub struct Starter<S: Source> {
    queue: Queue,
    source: S,
    /// Pending demand.
    wanted: usize,
    leased: VecDeque<Hold>,
    /// The most recently started transfer is on its last attempt and runs alone.
    alone: bool,
    /// The queue was empty; it is not asked again before a transfer may have returned.
    dry: bool,
    /// Started transfers, served round-robin, one piece each.
    open: VecDeque<Reading<S::Open>>,
}

#[derive(Debug)]
struct Reading<O> {
    hold: Hold,
    open: O,
    next: u64,
}

impl<S: Source> Starter<S> {
    /// Creates a starter that serves `queue` from `source`.
    pub fn new(queue: Queue, source: S) -> Self {
        Self {
            queue,
            source,
            wanted: 0,
            leased: VecDeque::new(),
            alone: false,
            dry: false,
            open: VecDeque::new(),
        }
    }

    /// Returns the next piece of the transfer whose turn it is, or `None` if there is none at the moment.
    async fn next_piece(&mut self) -> Result<Option<Piece<S::Shape>>, RepositoryError> {
        while self.open.len() < OPEN {
            let Some(hold) = self.next_lease().await? else { break };
            match self.source.open(hold.transfer()) {
                Ok((open, begin)) => {
                    let piece = Piece { hold: hold.again(), part: Part::Begin(begin) };
                    self.open.push_back(Reading { hold, open, next: 0 });
                    return Ok(Some(piece));
                }
                Err(failure) => {
                    hold.fail(failure);
                    hold.handled();
                }
            }
        }
        Ok(self.open.pop_front().map(|reading| self.read(reading)))
    }

    async fn next_lease(&mut self) -> Result<Option<Hold>, RepositoryError> {
        if self.queue.is_stopping() {
            // Leased transfers that were not started return to the queue; started ones continue.
            self.leased.clear();
            return Ok(None);
        }
        if !self.is_let_through() {
            return Ok(None);
        }
        if self.leased.is_empty() && !self.dry {
            self.leased = match self.queue.lease(LEASED).await {
                Ok(leased) => leased.into(),
                // Probably a full disk. Transfers in progress continue and may free space when they end.
                Err(error) if self.queue.open() > 0 => {
                    tracing::warn!(%error, "cannot lease more transfers, retrying later");
                    VecDeque::new()
                }
                Err(error) => return Err(error),
            };
            self.dry = self.leased.is_empty();
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
            Gate::One => self.queue.under_way() == self.leased.len(),
            Gate::Closed(_) => false,
        }
    }

    /// Whether the queue is exhausted: no transfer is unfinished, and no outage holds back queued ones.
    fn is_done(&self) -> bool {
        let is_closed = matches!(self.queue.gate(), Gate::Closed(_));
        self.queue.open() == 0 && (self.queue.is_stopping() || !is_closed)
    }

    /// Whether the next transfer may start. A last attempt runs alone: a failing stage takes all transfers it
    /// holds with it, and no transfer may fail permanently because of another one.
    fn may_begin(&self) -> bool {
        let under_way = self.queue.under_way() > self.leased.len();
        !under_way || !(self.alone || self.leased.front().is_some_and(is_last_attempt))
    }

    fn read(&mut self, mut reading: Reading<S::Open>) -> Piece<S::Shape> {
        if reading.hold.is_dead() {
            return Piece { hold: reading.hold, part: Part::Broken };
        }
        match self.source.next(&mut reading.open) {
            Ok(Next::Chunk(chunk)) => {
                let piece = Piece { hold: reading.hold.again(), part: Part::Chunk(reading.next, chunk) };
                reading.next += 1;
                self.open.push_back(reading);
                piece
            }
            Ok(Next::End(end)) => Piece { hold: reading.hold, part: Part::End(end) },
            Err(failure) => {
                reading.hold.fail(failure);
                Piece { hold: reading.hold, part: Part::Broken }
            }
        }
    }
}

fn is_last_attempt(hold: &Hold) -> bool {
    hold.transfer().attempts >= ATTEMPTS
}

impl<S: Source> Producer for Starter<S> {
    type Event = Piece<S::Shape>;

    /// With two starters, each would judge on its own whether the queue is empty.
    const SINGLE: bool = true;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, Self::Event>) -> StageResult {
        self.wanted += demand.get();
        let mut draining = pin!(out.draining());
        while self.wanted > 0 {
            if draining.as_mut().now_or_never().is_some() {
                return Ok(());
            }
            if self.queue.settle().await > 0 {
                self.dry = false;
            }
            match self.next_piece().await? {
                Some(piece) => {
                    out.emit(piece);
                    self.wanted -= 1;
                }
                None if self.is_done() => {
                    out.finish();
                    return Ok(());
                }
                // None at the moment, but transfers in progress may return.
                None => {
                    out.flush();
                    if let Either::Right(_) = select(pin!(self.queue.arrived()), draining.as_mut()).await {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
