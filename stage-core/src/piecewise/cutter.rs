//! Cuts several deliveries into pieces at a time, one piece of each in turn.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::part::{Event, Part, Parts};
use crate::ack::{Delivery, Reason, Whole};

/// An opened whole, and the first part of it.
type Opened<C> = (<C as CutPieces>::Open, <<C as CutPieces>::Out as Parts>::Begin);

/// Cuts wholes into pieces.
pub trait CutPieces: Send + 'static {
    /// The value that all pieces of a whole share.
    type Whole: Send + Sync + 'static;
    /// The parts that it makes: a [`Part`].
    type Out: Parts;
    /// The state of an opened whole: an open file, a position.
    type Open: Send + 'static;
    /// The reason for which a whole fails.
    type Error: Into<Reason> + Send;

    /// Opens a whole.
    ///
    /// # Errors
    ///
    /// The reason for which it is rejected.
    fn open(&mut self, whole: &Self::Whole)
    -> impl Future<Output = Result<Opened<Self>, Self::Error>> + Send;

    /// Returns the next part, or the end.
    ///
    /// # Errors
    ///
    /// The reason for which the whole is rejected.
    fn next(
        &mut self,
        whole: &Self::Whole,
        open: &mut Self::Open,
    ) -> impl Future<Output = Result<Cut<Self::Out>, Self::Error>> + Send;
}

/// What follows in a whole.
#[derive(Debug)]
pub enum Cut<P: Parts> {
    /// One more part.
    Next(P::Next),
    /// The end; nothing follows.
    End(P::End),
}

/// Cuts the wholes that were [added](Self::add), all at a time: each call of [`next`](Self::next) returns a piece of
/// another one, so that the copies of the next step share the work. A dead whole ends with a [`Part::Broken`].
pub struct Cutter<C: CutPieces> {
    cut: C,
    added: VecDeque<Whole<C::Whole>>,
    open: VecDeque<(Whole<C::Whole>, C::Open)>,
}

impl<C: CutPieces> Cutter<C> {
    /// Creates a cutter without wholes.
    pub const fn new(cut: C) -> Self {
        Self { cut, added: VecDeque::new(), open: VecDeque::new() }
    }

    /// Adds a delivery, which is opened by one of the next calls of [`next`](Self::next). From now on it is in hand:
    /// if the cutter is dropped, the delivery is rejected as a failed attempt.
    pub fn add(&mut self, delivery: Delivery<impl Into<Arc<C::Whole>>>) {
        self.added.push_back(Whole::new(delivery));
    }

    /// Returns the number of wholes that are not cut to their end.
    pub fn len(&self) -> usize {
        self.added.len() + self.open.len()
    }

    /// Returns whether all wholes are cut to their end.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the next piece, or `None` if there is nothing to cut. Wholes that were added come first; one that
    /// cannot be opened is rejected, and the next is tried.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped rejects the whole that it was at.
    pub async fn next(&mut self) -> Option<Event<C::Whole, C::Out>> {
        while let Some(mut whole) = self.added.pop_front() {
            match self.cut.open(whole.value()).await {
                Ok((open, begin)) => {
                    let piece = whole.piece(C::Out::of(Part::Begin(begin)));
                    self.open.push_back((whole, open));
                    return Some(piece);
                }
                Err(error) => whole.reject(error.into()),
            }
        }
        let (mut whole, mut open) = self.open.pop_front()?;
        if whole.is_dead() {
            return Some(whole.last(C::Out::of(Part::Broken)));
        }
        match self.cut.next(whole.value(), &mut open).await {
            Ok(Cut::Next(next)) => {
                let piece = whole.piece(C::Out::of(Part::Next(next)));
                self.open.push_back((whole, open));
                Some(piece)
            }
            Ok(Cut::End(end)) => Some(whole.last(C::Out::of(Part::End(end)))),
            Err(error) => {
                whole.fail(error.into());
                Some(whole.last(C::Out::of(Part::Broken)))
            }
        }
    }
}

impl<C: CutPieces> fmt::Debug for Cutter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter").field("len", &self.len()).finish_non_exhaustive()
    }
}
