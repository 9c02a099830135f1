//! One delivery split into many.

use super::delivery::Delivery;
use super::token::Token;

/// Iterator over the parts of a delivery: see [`Delivery::split`].
#[derive(Debug)]
#[must_use = "parts that are not taken out reject the delivery"]
pub struct Split<I> {
    items: I,
    /// The iterator's own hold on the delivery, until there are no more items.
    token: Option<Token>,
}

impl<I> Split<I> {
    pub(super) fn new(items: I, token: Token) -> Self {
        Self { items, token: Some(token) }
    }
}

impl<I: Iterator> Iterator for Split<I> {
    type Item = Delivery<I::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.token.as_ref()?;
        if let Some(item) = self.items.next() {
            return Some(token.share().with(item));
        }
        self.token.take()?.acknowledge();
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.token {
            Some(_) => self.items.size_hint(),
            None => (0, Some(0)),
        }
    }
}
