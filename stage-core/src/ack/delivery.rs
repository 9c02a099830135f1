//! An event that its source wants to know the fate of.

use std::ops::{Deref, DerefMut};

use super::reason::Reason;
use super::split::Split;
use super::token::Token;
use crate::base::error::BoxError;

/// An event, and the token that tells its source what became of it.
///
/// It is acknowledged by [`acknowledge`](Self::acknowledge) and rejected by [`reject`](Self::reject) or by
/// being dropped: as a failed attempt if a handler had looked at it, else as [untried](Reason::Untried). A clone is one holder more: the source learns the verdict when the last one has settled.
///
/// ```
/// use stage_core::ack::Delivery;
///
/// let order = Delivery::untracked("3 apples, 2 pears");
/// let parts = order.map(|order| order.split(", ")).split();
/// for part in parts {
///     println!("{}", *part);
///     part.acknowledge(); // the last one acknowledges the order
/// }
/// ```
#[derive(Debug)]
#[must_use = "a delivery that is dropped is rejected"]
pub struct Delivery<T> {
    pub(super) value: T,
    pub(super) token: Token,
}

impl<T> Delivery<T> {
    /// A delivery that nobody is told about, for tests and for events from elsewhere.
    pub const fn untracked(value: T) -> Self {
        Token::untracked().with(value)
    }

    /// It was handled.
    pub fn acknowledge(self) {
        self.token.acknowledge();
    }

    /// It was not handled, for this reason.
    pub fn reject(self, reason: Reason) {
        self.token.reject(reason);
    }

    /// Turns the value into another; a panic in `change` rejects it.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Delivery<U> {
        let (value, token) = self.into_parts();
        let value = change(value);
        token.with(value)
    }

    /// Turns the value into another, or into nothing: then it is acknowledged.
    pub fn filter_map<U>(self, change: impl FnOnce(T) -> Option<U>) -> Option<Delivery<U>> {
        let (value, token) = self.into_parts();
        if let Some(value) = change(value) {
            return Some(token.with(value));
        }
        token.acknowledge();
        None
    }

    /// Turns the value into another, or fails: then it is rejected for that error.
    pub fn try_map<U, E: Into<BoxError>>(
        self,
        change: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<Delivery<U>> {
        let (value, token) = self.into_parts();
        match change(value) {
            Ok(value) => Some(token.with(value)),
            Err(error) => {
                token.reject(Reason::failed(error));
                None
            }
        }
    }

    /// A delivery for each item of the value. This one is acknowledged when all of them are, at once if there
    /// are none. Items are made one by one; if the rest is not taken out, it is rejected.
    pub fn split(self) -> Split<T::IntoIter>
    where
        T: IntoIterator,
    {
        let (value, token) = self.into_parts();
        Split::new(value.into_iter(), token)
    }

    /// One delivery of many values: whatever becomes of it becomes of all of them.
    pub fn join(deliveries: impl IntoIterator<Item = Self>) -> Delivery<Vec<T>> {
        let (values, tokens): (Vec<T>, Vec<Token>) = deliveries.into_iter().map(Self::into_parts).unzip();
        Token::join(tokens).with(values)
    }

    /// The value, and what has to be settled: the delivery is in the hands of whoever called this.
    #[inline]
    pub fn into_parts(self) -> (T, Token) {
        self.token.look();
        (self.value, self.token)
    }

    /// The value, for functions that decide where an event goes and do not handle it: selectors, hash functions,
    /// weights. A delivery that is dropped after that is still untried, unlike one that was looked at by `Deref`.
    ///
    /// ```
    /// use stage_core::ack::Delivery;
    ///
    /// let key = |order: &Delivery<(u32, String)>| order.peek().0;
    /// # assert_eq!(key(&Delivery::untracked((7, String::new()))), 7);
    /// ```
    #[inline]
    pub const fn peek(&self) -> &T {
        &self.value
    }

    /// What has to be settled, to be looked at or shared.
    pub const fn token(&self) -> &Token {
        &self.token
    }
}

impl<T: Clone> Clone for Delivery<T> {
    fn clone(&self) -> Self {
        let value = self.value.clone();
        self.token.share().with(value)
    }
}

impl<T> Deref for Delivery<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.token.look();
        &self.value
    }
}

impl<T> DerefMut for Delivery<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.token.look();
        &mut self.value
    }
}
