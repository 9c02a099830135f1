//! One delivery split into many.

use super::delivery::Delivery;
use super::token::Token;

/// The most parts that are counted as holders in advance.
const AHEAD: usize = 4096;

/// Iterator over the parts of a delivery: see [`Delivery::split`].
#[derive(Debug)]
#[must_use = "parts that are not taken out reject the delivery"]
pub struct Split<I> {
    items: I,
    /// The iterator's own hold on the delivery, until there are no more items.
    token: Option<Token>,
    /// Holders that are counted and not made: one addition for the parts that are known to follow.
    ahead: usize,
}

impl<I> Split<I> {
    pub(super) fn new(items: I, token: Token) -> Self {
        Self { items, token: Some(token), ahead: 0 }
    }

    /// Ends the iterator's hold, with the holders that were not made.
    fn end(&mut self) -> Option<Token> {
        let token = self.token.take()?;
        let ahead = std::mem::take(&mut self.ahead);
        if ahead > 0 {
            token.release(ahead);
        }
        Some(token)
    }
}

impl<I: Iterator> Iterator for Split<I> {
    type Item = Delivery<I::Item>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.token.as_ref()?;
        if let Some(item) = self.items.next() {
            if self.ahead == 0 {
                // This part, and those that are known to follow.
                self.ahead = self.items.size_hint().0.min(AHEAD - 1) + 1;
                let token = self.token.take()?.shared_by(self.ahead);
                token.hold(self.ahead);
                self.token = Some(token);
            }
            self.ahead -= 1;
            return self.token.as_ref().map(|token| token.part(item));
        }
        self.end()?.acknowledge();
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.token {
            Some(_) => self.items.size_hint(),
            None => (0, Some(0)),
        }
    }
}

/// Items that were not taken reject the delivery.
impl<I> Drop for Split<I> {
    fn drop(&mut self) {
        drop(self.end());
    }
}
