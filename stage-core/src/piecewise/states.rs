//! The states of the wholes that one stage has in progress.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::error::PieceError;
use super::handle::HandlePieces;
use super::part::{Event, Part, Parts};
use crate::ack::{Piece, Reason, Token};
use crate::trace::in_span;

/// A handler, and the states of the wholes that it has begun. For a stage of your own; [`step`](super::step) and
/// [`sink`](super::sink) are ready-made ones.
pub struct PieceStates<H: HandlePieces> {
    handler: H,
    /// By the address of the whole, which its state keeps alive.
    open: HashMap<usize, State<H>>,
}

struct State<H: HandlePieces> {
    /// Declared before the token, so that a failing stage drops it before the source learns of it.
    kept: H::State,
    /// The number of the next piece.
    next: u64,
    token: Token,
    whole: Arc<H::Whole>,
}

type NewState<H> = (<H as HandlePieces>::State, PartOf<<H as HandlePieces>::Out>);
type PartOf<P> = Part<<P as Parts>::Begin, <P as Parts>::Next, <P as Parts>::End>;

impl<H: HandlePieces> PieceStates<H> {
    /// Creates the states of a stage that has begun nothing yet.
    pub fn new(handler: H) -> Self {
        Self { handler, open: HashMap::new() }
    }

    /// Returns the handler.
    pub const fn handler(&self) -> &H {
        &self.handler
    }

    /// Handles one piece, and returns the same piece with the handler's part. If the whole is dead, or dies of this
    /// piece, the part is [`Part::Broken`].
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped has dropped the piece, which makes its whole dead.
    pub async fn handle(&mut self, piece: Event<H::Whole, H::In>) -> Event<H::Whole, H::Out> {
        let (Piece { whole, number, part }, token) = piece.into_parts();
        let part = in_span(token.trace(), self.part(&whole, number, part.into_part(), &token)).await;
        token.with(Piece { whole, number, part: H::Out::of(part) })
    }

    /// Gives the states of all unfinished wholes to [`HandlePieces::abandon`]; the wholes are then dead.
    pub async fn abandon_all(&mut self) {
        for (_, state) in self.open.drain() {
            discard(&mut self.handler, state).await;
        }
    }

    async fn part(
        &mut self,
        whole: &Arc<H::Whole>,
        number: u64,
        part: PartOf<H::In>,
        token: &Token,
    ) -> PartOf<H::Out> {
        let address = Arc::as_ptr(whole).addr();
        if !token.is_rejected() {
            let made = match part {
                Part::Begin(begin) => self.begin(whole, number, begin, token).await,
                Part::Next(next) => self.next(address, number, next).await,
                Part::End(end) => self.end(address, number, end).await,
                Part::Broken => Err(failed(PieceError::Lost { number })),
            };
            match made {
                Ok(made) => return made,
                Err(reason) => token.fail(reason),
            }
        }
        self.abandon(address).await;
        Part::Broken
    }

    async fn begin(
        &mut self,
        whole: &Arc<H::Whole>,
        number: u64,
        begin: <H::In as Parts>::Begin,
        token: &Token,
    ) -> Result<PartOf<H::Out>, Reason> {
        let (state, made): NewState<H> = match self.handler.begin(whole, begin).await {
            Ok((state, begin)) => (state, Part::Begin(begin)),
            Err(error) => return Err(error.into()),
        };
        let state = State { kept: state, next: number + 1, token: token.share(), whole: Arc::clone(whole) };
        self.open.insert(Arc::as_ptr(whole).addr(), state);
        Ok(made)
    }

    async fn next(
        &mut self,
        address: usize,
        number: u64,
        next: <H::In as Parts>::Next,
    ) -> Result<PartOf<H::Out>, Reason> {
        let open = self.open.get_mut(&address).ok_or_else(|| failed(PieceError::Lost { number }))?;
        in_order(number, open.next)?;
        open.next += 1;
        self.handler.next(&open.whole, &mut open.kept, next).await.map(Part::Next).map_err(Into::into)
    }

    async fn end(
        &mut self,
        address: usize,
        number: u64,
        end: <H::In as Parts>::End,
    ) -> Result<PartOf<H::Out>, Reason> {
        let open = self.open.get(&address).ok_or_else(|| failed(PieceError::Lost { number }))?;
        in_order(number, open.next)?;
        let Some(State { kept, token, whole, .. }) = self.open.remove(&address) else {
            return Err(failed(PieceError::Lost { number }));
        };
        let ended = self.handler.end(&whole, kept, end).await;
        token.acknowledge();
        ended.map(Part::End).map_err(Into::into)
    }

    async fn abandon(&mut self, address: usize) {
        if let Some(state) = self.open.remove(&address) {
            discard(&mut self.handler, state).await;
        }
    }
}

/// Discards a state; an unfinished whole is dead then.
async fn discard<H: HandlePieces>(handler: &mut H, State { kept, token, .. }: State<H>) {
    handler.abandon(kept).await;
    // A dropped token would count as an attempt also where the whole is dead for a reason that is none.
    if token.is_rejected() {
        token.acknowledge();
    }
}

#[inline]
fn failed(error: PieceError) -> Reason {
    Reason::failed(error)
}

#[inline]
fn in_order(found: u64, expected: u64) -> Result<(), Reason> {
    if found == expected { Ok(()) } else { Err(failed(PieceError::Order { found, expected })) }
}

impl<H: HandlePieces> fmt::Debug for PieceStates<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PieceStates").field("open", &self.open.len()).finish_non_exhaustive()
    }
}
