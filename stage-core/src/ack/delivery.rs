//! An event whose source is informed of its verdict.

use std::ops::{Deref, DerefMut};

use super::in_hand::in_hand;
use super::reason::Reason;
use super::split::Split;
use super::token::Token;
use crate::base::error::BoxError;

/// An event with the token that reports its verdict to the source.
///
/// [`acknowledge`](Self::acknowledge) acknowledges it; [`reject`](Self::reject) rejects it, and so does
/// dropping it: as a failed attempt if a handler had looked at it, otherwise as [untried](Reason::Untried). A
/// clone is another holder: the source learns the verdict once the last holder has settled.
///
/// A stage that looks at a delivery has tried the event, also if it then passes the delivery on unchanged: a
/// later drop is a failed attempt, wherever it happens. A stage that only routes reads it with
/// [`peek`](Self::peek), and one that has done its part passes on [`map`](Self::map)`(|value| value)`.
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
///
/// A value may turn out to be none, or an error:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::ack::{Delivery, Reason};
///
/// let half = Delivery::untracked(4).filter_map(|number| (number % 2 == 0).then_some(number / 2));
/// assert_eq!(half.map(|half| *half), Some(2));
/// let number = Delivery::untracked("four").try_map(|text| text.parse::<u32>());
/// assert!(number.is_none(), "it is rejected, for the error of `parse`");
///
/// let (job, token) = Delivery::untracked("a job").into_parts();
/// assert_eq!(job, "a job");
/// token.with("the same job, later").reject(Reason::Postponed(Duration::from_secs(60)));
/// ```
#[derive(Debug)]
#[must_use = "a delivery that is dropped is rejected"]
pub struct Delivery<T> {
    pub(super) value: T,
    pub(super) token: Token,
}

impl<T> Delivery<T> {
    /// Returns a delivery whose verdict is not reported, for tests and for events from elsewhere.
    pub const fn untracked(value: T) -> Self {
        Self { value, token: Token::untracked() }
    }

    /// Acknowledges the event: it was handled.
    pub fn acknowledge(self) {
        self.token.acknowledge();
    }

    /// Rejects the event for `reason`: it was not handled.
    pub fn reject(self, reason: Reason) {
        self.token.reject(reason);
    }

    /// Maps the value; a panic in `change` rejects the delivery.
    #[inline]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Delivery<U> {
        let (value, token) = self.handle(change);
        token.with_unmarked(value)
    }

    /// Maps the value; `None` acknowledges the delivery.
    #[inline]
    pub fn filter_map<U>(self, change: impl FnOnce(T) -> Option<U>) -> Option<Delivery<U>> {
        let (value, token) = self.into_parts();
        if let Some(value) = change(value) {
            return Some(token.with(value));
        }
        token.acknowledge();
        None
    }

    /// Maps the value; an error rejects the delivery, for good if it says [`Hopeless`](crate::policy::Hopeless).
    #[inline]
    pub fn try_map<U, E: Into<BoxError>>(
        self,
        change: impl FnOnce(T) -> Result<U, E>,
    ) -> Option<Delivery<U>> {
        let (value, token) = self.into_parts();
        match change(value) {
            Ok(value) => Some(token.with(value)),
            Err(error) => {
                token.reject(Reason::from(error.into()));
                None
            }
        }
    }

    /// Returns a delivery for each item of the value. The original is acknowledged once all of them are, or
    /// at once if there are none. Items are created lazily; if the rest is not taken, the original is
    /// rejected.
    pub fn split(self) -> Split<T::IntoIter>
    where
        T: IntoIterator,
    {
        let (value, token) = self.into_parts();
        Split::new(value.into_iter(), token)
    }

    /// Same as [`split`](Self::split) for items that succeed or fail together, as the pieces of a [`Whole`](super::Whole) do:
    /// once one of them is rejected, those that are still on their way are skipped.
    ///
    /// ```
    /// use stage_core::ack::{Delivery, Reason};
    ///
    /// let mut lines = Delivery::untracked(["one", "two"]).pieces();
    /// let first = lines.next().ok_or("two lines")?;
    /// first.reject(Reason::failed("no room"));
    /// // Of a delivery that a source tracks, the steps acknowledge the second line without handling it.
    /// assert_eq!(lines.map(|line| *line).collect::<Vec<_>>(), ["two"]);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn pieces(self) -> Split<T::IntoIter>
    where
        T: IntoIterator,
    {
        let (value, token) = self.into_parts();
        Split::of_whole(value.into_iter(), token)
    }

    /// Joins several deliveries into one; its verdict applies to all of them.
    pub fn join(deliveries: impl IntoIterator<Item = Self>) -> Delivery<Vec<T>> {
        let (values, tokens): (Vec<T>, Vec<Token>) = deliveries.into_iter().map(Self::into_parts).unzip();
        Token::join(tokens).with(values)
    }

    /// Returns the value and its token. The delivery is then in the caller's hands.
    #[inline]
    pub fn into_parts(self) -> (T, Token) {
        (self.value, self.token.in_hand())
    }

    /// Calls a function with the value, and returns the token, which is not marked as looked at.
    #[inline]
    pub(crate) fn handle<U>(self, function: impl FnOnce(T) -> U) -> (U, Token) {
        let Self { value, token } = self;
        in_hand(token, || function(value))
    }

    /// Returns the value for functions that route an event and do not handle it: selectors, hash functions,
    /// weights. A delivery dropped afterwards is still untried, unlike one accessed through `Deref`.
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

    /// Continues the trace of a `traceparent` header: the spans of this delivery belong to it. Called by the
    /// source that received the header, within a callback.
    ///
    /// If that trace is not sampled, its context is only passed on, for sinks that send a header of their own.
    /// A trace that the source's tracer began for this delivery is replaced.
    ///
    /// ```
    /// use stage_core::ack::Delivery;
    /// use stage_core::trace::TraceContext;
    ///
    /// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    /// let context = TraceContext::parse(header, None)?;
    /// let delivery = Delivery::untracked("job").continue_trace(context.clone());
    /// assert_eq!(delivery.trace_context(), Some(context));
    /// # Ok::<(), stage_core::trace::TraceparentError>(())
    /// ```
    #[cfg(feature = "trace")]
    pub fn continue_trace(mut self, context: crate::trace::TraceContext) -> Self {
        self.token.continue_trace(context);
        self
    }

    /// Returns the span to which work on this delivery belongs: that of the step that has it in hand, otherwise
    /// that of the step before. `None` if the delivery belongs to no trace.
    #[cfg(feature = "trace")]
    pub fn trace_context(&self) -> Option<crate::trace::TraceContext> {
        self.token.trace().context()
    }

    #[inline]
    pub(crate) const fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }

    /// Returns the token, to inspect or share it.
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
