//! The source's half of acknowledgement: makes deliveries.

use std::fmt;
use std::iter::Zip;
use std::vec;

use super::books::Books;
use super::delivery::Delivery;
use super::slot::Slot;
use super::token::Token;
use super::waiting::Waiting;
use crate::sync::Arc;
use crate::trace::StageTrace;

/// Makes the deliveries of a source. Dropping it ends the deliveries, and the collector ends with the last
/// verdict.
pub struct Deliveries<R> {
    books: Arc<Books<R>>,
    trace: StageTrace,
}

impl<R: Clone + Send + 'static> Deliveries<R> {
    pub(super) fn new(books: &Arc<Books<R>>, trace: StageTrace) -> Self {
        Self { books: Arc::clone(books), trace }
    }

    /// Returns a delivery for each event and its receipt, in order.
    ///
    /// # Panics
    ///
    /// If more than `u32::MAX` deliveries of one source are open.
    pub fn deliver<T>(&self, events: impl IntoIterator<Item = (T, R)>) -> Delivering<T> {
        let (values, receipts): (Vec<T>, Vec<R>) = events.into_iter().unzip();
        Delivering { parts: values.into_iter().zip(self.tokens_of(receipts)) }
    }

    /// Returns a delivery of `event` that runs `look` before a handler first looks at it, so that a source can record
    /// the beginning of an attempt. `look` runs on the thread of that handler and must neither wait nor panic.
    ///
    /// # Panics
    ///
    /// If more than `u32::MAX` deliveries of one source are open.
    pub fn deliver_watched<T>(
        &self,
        event: T,
        receipt: R,
        look: impl FnOnce() + Send + 'static,
    ) -> Delivery<T> {
        Token::watched(self.tokens([receipt]), look).with(event)
    }

    /// Returns a token for each receipt, to make deliveries from. Tokens left when the iterator is dropped
    /// are rejected as [untried](crate::ack::Reason::Untried).
    ///
    /// # Panics
    ///
    /// If more than `u32::MAX` deliveries of one source are open.
    pub fn tokens(&self, receipts: impl IntoIterator<Item = R>) -> Tokens {
        self.tokens_of(receipts.into_iter().collect())
    }

    fn tokens_of(&self, receipts: Vec<R>) -> Tokens {
        Tokens { slots: self.books.open(receipts).into_iter(), trace: self.trace.clone() }
    }
}

impl<R> Deliveries<R> {
    /// Sets whether the source waits for verdicts because it has nothing to deliver. While it does, a verdict
    /// lingers for at most 5 ms, whatever [`linger`](crate::ack::AckOptions::linger) is set to.
    pub fn set_waiting(&self, waiting: Waiting) {
        self.books.inbox.set_waiting(waiting);
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

/// Iterator over the deliveries of events that leave a source together.
#[derive(Debug)]
#[must_use = "what is not taken out is rejected"]
pub struct Delivering<T> {
    parts: Zip<vec::IntoIter<T>, Tokens>,
}

impl<T> Iterator for Delivering<T> {
    type Item = Delivery<T>;

    #[inline]
    fn next(&mut self) -> Option<Delivery<T>> {
        self.parts.next().map(|(value, token)| token.with(value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

impl<T> ExactSizeIterator for Delivering<T> {}

/// Iterator over the tokens of events that leave a source together, in the order of their receipts.
#[derive(Debug)]
#[must_use = "tokens that are not taken out are rejected"]
pub struct Tokens {
    slots: vec::IntoIter<Slot>,
    /// Samples the deliveries.
    trace: StageTrace,
}

impl Iterator for Tokens {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        self.slots.next().map(|slot| Token::slot(slot).traced(self.trace.sample()))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl ExactSizeIterator for Tokens {}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.slots.by_ref().map(Token::slot).for_each(Token::give_back);
    }
}
