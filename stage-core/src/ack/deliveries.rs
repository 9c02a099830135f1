//! How a source makes deliveries.

use std::fmt;
use std::iter::Zip;
use std::vec;

use super::block::Block;
use super::books::Books;
use super::delivery::Delivery;
use super::token::Token;
use crate::sync::Arc;

/// The side of an acknowledger that a source has: it makes deliveries. When it is dropped, no more can come,
/// and the collector ends with the last verdict.
pub struct Deliveries<R> {
    books: Arc<Books<R>>,
}

impl<R: Clone + Send + 'static> Deliveries<R> {
    pub(super) fn new(books: &Arc<Books<R>>) -> Self {
        Self { books: Arc::clone(books) }
    }

    /// A delivery for each event, with what it is to be known by, in order.
    ///
    /// # Panics
    ///
    /// If there are over `u32::MAX` events.
    pub fn deliver<T>(&self, events: impl IntoIterator<Item = (T, R)>) -> Delivering<T> {
        let mut receipts = self.books.spare_receipts();
        let keep = |(value, receipt)| {
            receipts.push(receipt);
            value
        };
        let values: Vec<T> = events.into_iter().map(keep).collect();
        let tokens = Tokens::of(self.books.open(receipts));
        Delivering { parts: values.into_iter().zip(tokens) }
    }

    /// A token for each receipt, to make deliveries of. Those that are left when this is dropped are rejected.
    ///
    /// # Panics
    ///
    /// If there are over `u32::MAX` receipts.
    pub fn tokens(&self, receipts: impl IntoIterator<Item = R>) -> Tokens {
        let mut spare = self.books.spare_receipts();
        spare.extend(receipts);
        Tokens::of(self.books.open(spare))
    }
}

impl<R> Drop for Deliveries<R> {
    fn drop(&mut self) {
        self.books.inbox.close();
    }
}

impl<R> fmt::Debug for Deliveries<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

/// The deliveries of events that leave a source together.
#[derive(Debug)]
#[must_use = "what is not taken out is rejected"]
pub struct Delivering<T> {
    parts: Zip<vec::IntoIter<T>, Tokens>,
}

impl<T> Iterator for Delivering<T> {
    type Item = Delivery<T>;

    fn next(&mut self) -> Option<Delivery<T>> {
        self.parts.next().map(|(value, token)| token.with(value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

impl<T> ExactSizeIterator for Delivering<T> {}

/// The tokens of events that leave a source together, in the order of their receipts.
#[derive(Debug)]
#[must_use = "tokens that are not taken out are rejected"]
pub struct Tokens {
    /// Nothing when there was no receipt.
    block: Option<Arc<Block>>,
    next: u32,
    end: u32,
}

impl Tokens {
    fn of((block, slots): (Option<Arc<Block>>, u32)) -> Self {
        Self { block, next: 0, end: slots }
    }
}

impl Iterator for Tokens {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        if self.next == self.end {
            return None;
        }
        let slot = self.next;
        self.next += 1;
        let block = if self.next == self.end { self.block.take() } else { self.block.clone() };
        block.map(|block| Token::slot(block, slot))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Tokens {}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
