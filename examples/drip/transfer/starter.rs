//! The first stage of both pipelines: leases transfers as demand comes, and cuts them into pieces.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use stage_core::{Demand, Emitter, Producer, StageResult};

use super::outage::Gate;
use super::{ATTEMPTS, Failure, Hold, Part, Piece, Queue, Shape};
use crate::repository::{RepositoryError, Transfer};

/// Transfers that are cut at a time, one piece each in turn: enough to keep most copies of the next step busy.
const OPEN: usize = 8;

/// Transfers taken out of the queue in one transaction.
const LEASED: usize = 64;

/// Where the pieces of a transfer come from. Called on a thread that may block.
pub trait Source: Send + 'static {
    /// What the pieces are made of.
    type Shape: Shape;
    /// A transfer that was begun.
    type Open: Send;

    /// Begins a transfer.
    ///
    /// # Errors
    /// Why it cannot be begun.
    fn open(&mut self, transfer: &Transfer) -> Result<(Self::Open, <Self::Shape as Shape>::Begin), Failure>;

    /// The next part of it.
    ///
    /// # Errors
    /// Why there is none.
    fn next(&mut self, open: &mut Self::Open) -> Result<Next<Self::Shape>, Failure>;
}

/// What comes next of a transfer.
#[derive(Debug)]
pub enum Next<S: Shape> {
    /// One chunk.
    Chunk(S::Chunk),
    /// Nothing: this is the end.
    End(S::End),
}

/// Serves demand from the queue; what it cannot serve now it remembers, until the queue is empty and nothing can come back.
#[derive(Debug)]
pub struct Starter<S: Source> {
    queue: Queue,
    source: S,
    /// Demand that was announced and not served.
    wanted: usize,
    leased: VecDeque<Hold>,
    /// The transfer begun last is on its last attempt, and alone.
    alone: bool,
    /// The queue had nothing; it is not asked again before something may have come back.
    dry: bool,
    /// Served in turn, one piece each.
    open: VecDeque<Reading<S::Open>>,
}

#[derive(Debug)]
struct Reading<O> {
    hold: Hold,
    open: O,
    next: u64,
}

impl<S: Source> Starter<S> {
    /// A starter that serves `queue` from `source`.
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

    /// The next piece of whichever transfer is at turn, or nothing if there is none now.
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
            // What was not begun goes back; what was goes on.
            self.leased.clear();
            return Ok(None);
        }
        if !self.is_let_through() {
            return Ok(None);
        }
        if self.leased.is_empty() && !self.dry {
            self.leased = match self.queue.lease(LEASED).await {
                Ok(leased) => leased.into(),
                // A full disk, most likely. What is under way goes on, and may make room when it is over.
                Err(error) if self.queue.open() > 0 => {
                    tracing::warn!(%error, "could not lease more transfers for now");
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

    /// Whether an outage lets a transfer begin; one alone shows whether it is over.
    fn is_let_through(&self) -> bool {
        match self.queue.gate() {
            Gate::Open => true,
            Gate::One => self.queue.under_way() == self.leased.len(),
            Gate::Closed(_) => false,
        }
    }

    /// Whether nothing will ever come: nothing is out, and no outage keeps what is still in the queue.
    fn is_done(&self) -> bool {
        let is_closed = matches!(self.queue.gate(), Gate::Closed(_));
        self.queue.open() == 0 && (self.queue.is_stopping() || !is_closed)
    }

    /// A last attempt is made alone: a stage that breaks takes along whatever it holds, and nothing is to fail for good because
    /// of another.
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

    /// Two starters would judge the queue empty each for itself.
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
                // Nothing now, but what is under way may come back.
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
