//! One holder of a delivery: it acknowledges or rejects, at the latest when it is dropped.

use std::mem;

use super::delivery::Delivery;
use super::group::TokenGroup;
use super::handled::Handled;
use super::inbox::Inbox;
use super::looked::Looked;
use super::reason::Reason;
use super::slot::Slot;
use crate::sync::Arc;

/// The part of a [`Delivery`] that settles it. Dropping a token rejects: a token without its value is in the
/// hands of a handler, so this is a failed attempt.
#[derive(Debug)]
#[must_use = "a token that is dropped rejects its delivery"]
pub struct Token(Holder);

#[derive(Debug)]
enum Holder {
    /// Untracked, or already settled.
    Nothing,
    /// The first holder of a delivery.
    Slot(Slot, Looked),
    /// Another holder of a delivery, or a holder of many deliveries.
    Group(Arc<TokenGroup>, Looked),
}

impl Token {
    /// Returns a token whose verdict is not reported.
    pub const fn untracked() -> Self {
        Self(Holder::Nothing)
    }

    #[inline]
    pub(super) const fn slot(slot: Slot) -> Self {
        Self(Holder::Slot(slot, Looked::yes()))
    }

    /// Joins tokens into one that runs `look` before a handler first looks at its event, also at a clone.
    #[cfg(feature = "sqlite")]
    pub(super) fn watched(tokens: impl Iterator<Item = Self>, look: impl FnOnce() + Send + 'static) -> Self {
        Self(Holder::Group(TokenGroup::watched(tokens.collect(), look), Looked::yes()))
    }

    /// Joins several tokens into one; its verdict applies to all of them.
    pub fn join(tokens: impl IntoIterator<Item = Self>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        match tokens.len() {
            0 => Self::untracked(),
            1 => tokens.remove(0),
            _ => Self(Holder::Group(TokenGroup::of_many(tokens), Looked::yes())),
        }
    }

    /// Adds a holder: the delivery is acknowledged once all holders have acknowledged it.
    pub fn share(&self) -> Self {
        let group = match &self.0 {
            Holder::Nothing => return Self::untracked(),
            Holder::Slot(slot, _) => slot.share(),
            Holder::Group(group, _) => Arc::clone(group),
        };
        group.hold();
        Self(Holder::Group(group, Looked::yes()))
    }

    /// Returns a delivery of `value` that this token settles. It is not in hand until a handler looks at it.
    #[inline]
    pub const fn with<T>(mut self, value: T) -> Delivery<T> {
        if let Holder::Slot(_, looked) | Holder::Group(_, looked) = &mut self.0 {
            *looked = Looked::no();
        }
        Delivery { value, token: self }
    }

    /// Same as [`with`](Self::with), for an event that a handler has tried: a drop anywhere is a failed
    /// attempt.
    pub(crate) fn with_tried<T>(self, value: T) -> Delivery<T> {
        let delivery = self.with(value);
        delivery.token.look();
        delivery
    }

    /// Gives the delivery back untried, because no handler looked at the event after all.
    pub(crate) fn give_back(self) {
        drop(self.with(()));
    }

    /// Records that a handler looks at the value.
    #[inline]
    pub(super) fn look(&self) {
        match &self.0 {
            Holder::Nothing => {}
            Holder::Slot(_, looked) => looked.set(),
            Holder::Group(group, looked) => {
                looked.set();
                group.look();
            }
        }
    }

    /// Acknowledges for this holder.
    #[inline]
    pub fn acknowledge(mut self) {
        match mem::replace(&mut self.0, Holder::Nothing) {
            Holder::Nothing => {}
            Holder::Slot(slot, _) => slot.acknowledge(),
            Holder::Group(group, _) => group.acknowledge(),
        }
    }

    /// Same as [`acknowledge`](Self::acknowledge) for each token, in order, but cheaper.
    pub fn acknowledge_all(tokens: impl IntoIterator<Item = Self>) {
        let mut handled = Handled::default();
        tokens.into_iter().for_each(|token| handled.add(token));
    }

    /// Rejects for this holder. If several reject, the first reason other than [`Untried`](Reason::Untried)
    /// counts.
    pub fn reject(mut self, reason: Reason) {
        self.settle_rejected(Some(reason));
    }

    /// Returns whether the verdict is reported to a source and still open.
    pub const fn is_tracked(&self) -> bool {
        !matches!(self.0, Holder::Nothing)
    }

    /// Returns whether another holder has rejected the delivery, so that further work on it is wasted.
    pub fn is_rejected(&self) -> bool {
        match &self.0 {
            Holder::Nothing => false,
            Holder::Slot(slot, _) => slot.is_rejected(),
            Holder::Group(group, _) => group.is_rejected(),
        }
    }

    /// Returns the slot of a first holder, or the token itself.
    #[inline]
    pub(super) fn into_slot(mut self) -> Result<Slot, Self> {
        match mem::replace(&mut self.0, Holder::Nothing) {
            Holder::Slot(slot, _) => Ok(slot),
            held => Err(Self(held)),
        }
    }

    pub(super) fn inbox(&self) -> Option<&Arc<Inbox>> {
        match &self.0 {
            Holder::Nothing => None,
            Holder::Slot(slot, _) => Some(slot.inbox()),
            Holder::Group(group, _) => group.inbox(),
        }
    }

    #[cold]
    fn settle_rejected(&mut self, reason: Option<Reason>) {
        match mem::replace(&mut self.0, Holder::Nothing) {
            Holder::Nothing => {}
            Holder::Slot(slot, looked) => {
                let reason = reason.unwrap_or_else(|| slot.inbox().why_dropped(&looked));
                slot.reject(reason);
            }
            Holder::Group(group, looked) => {
                let reason = reason.unwrap_or_else(|| group.why_dropped(&looked));
                group.reject(reason);
            }
        }
    }
}

impl Drop for Token {
    #[inline]
    fn drop(&mut self) {
        if self.is_tracked() {
            self.settle_rejected(None);
        }
    }
}
