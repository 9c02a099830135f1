//! One holder of a delivery: it acknowledges or rejects, at the latest when it is dropped.

use std::mem;

use super::delivery::Delivery;
use super::group::Group;
use super::handled::Handled;
use super::inbox::Inbox;
use super::looked::Looked;
use super::reason::Reason;
use super::slot::Slot;
use crate::sync::Arc;

/// The part of a [`Delivery`] that is settled. A token that is dropped rejects: on its own it is in the hands of a
/// handler, so this is a failed attempt.
#[derive(Debug)]
#[must_use = "a token that is dropped rejects its delivery"]
pub struct Token(Held);

#[derive(Debug)]
enum Held {
    /// Nothing that anybody wants to know of, or settled already.
    Nothing,
    /// The first holder of a delivery.
    Slot(Slot, Looked),
    /// One of its other holders, or of many deliveries.
    Group(Arc<Group>, Looked),
}

impl Token {
    /// A token that nobody is told about.
    pub const fn untracked() -> Self {
        Self(Held::Nothing)
    }

    #[inline]
    pub(super) const fn slot(slot: Slot) -> Self {
        Self(Held::Slot(slot, Looked::yes()))
    }

    /// One token for many: whatever is said of it is said of all.
    pub fn join(tokens: impl IntoIterator<Item = Self>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        match tokens.len() {
            0 => Self::untracked(),
            1 => tokens.remove(0),
            _ => Self(Held::Group(Group::of_many(tokens), Looked::yes())),
        }
    }

    /// One holder more: the delivery is acknowledged when all of them acknowledged it.
    pub fn share(&self) -> Self {
        let group = match &self.0 {
            Held::Nothing => return Self::untracked(),
            Held::Slot(slot, _) => slot.share(),
            Held::Group(group, _) => Arc::clone(group),
        };
        group.hold();
        Self(Held::Group(group, Looked::yes()))
    }

    /// The delivery of `value` that is settled by this token. It is in nobody's hands until somebody looks at it.
    #[inline]
    pub const fn with<T>(mut self, value: T) -> Delivery<T> {
        if let Held::Slot(_, looked) | Held::Group(_, looked) = &mut self.0 {
            *looked = Looked::no();
        }
        Delivery { value, token: self }
    }

    /// As [`with`](Self::with), of an event that a handler has tried: it stays an attempt, wherever it is dropped.
    pub(crate) fn with_tried<T>(self, value: T) -> Delivery<T> {
        let delivery = self.with(value);
        delivery.token.look();
        delivery
    }

    /// No handler looked at the event after all: it goes back untried.
    pub(crate) fn give_back(self) {
        drop(self.with(()));
    }

    /// A handler looks at the value that this token settles.
    #[inline]
    pub(super) fn look(&self) {
        if let Held::Slot(_, looked) | Held::Group(_, looked) = &self.0 {
            looked.set();
        }
    }

    /// This holder did its part.
    #[inline]
    pub fn acknowledge(mut self) {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Nothing => {}
            Held::Slot(slot, _) => slot.acknowledge(),
            Held::Group(group, _) => group.acknowledge(),
        }
    }

    /// These holders did their parts. As [`acknowledge`](Self::acknowledge) of each, in order, and cheaper.
    pub fn acknowledge_all(tokens: impl IntoIterator<Item = Self>) {
        let mut handled = Handled::default();
        tokens.into_iter().for_each(|token| handled.add(token));
    }

    /// This holder did not do its part. If several reject, the first reason counts that is not
    /// [`Untried`](Reason::Untried).
    pub fn reject(mut self, reason: Reason) {
        self.settle_rejected(Some(reason));
    }

    /// Whether anybody is told of it, and it is not settled yet.
    pub const fn is_tracked(&self) -> bool {
        !matches!(self.0, Held::Nothing)
    }

    /// Whether another holder has rejected it, so that nothing more of it is worth doing.
    pub fn is_rejected(&self) -> bool {
        match &self.0 {
            Held::Nothing => false,
            Held::Slot(slot, _) => slot.is_rejected(),
            Held::Group(group, _) => group.is_rejected(),
        }
    }

    /// The slot of a first holder, or the token.
    #[inline]
    pub(super) fn into_slot(mut self) -> Result<Slot, Self> {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Slot(slot, _) => Ok(slot),
            held => Err(Self(held)),
        }
    }

    pub(super) fn inbox(&self) -> Option<&Arc<Inbox>> {
        match &self.0 {
            Held::Nothing => None,
            Held::Slot(slot, _) => Some(slot.inbox()),
            Held::Group(group, _) => group.inbox(),
        }
    }

    #[cold]
    fn settle_rejected(&mut self, reason: Option<Reason>) {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Nothing => {}
            Held::Slot(slot, looked) => {
                let reason = reason.unwrap_or_else(|| slot.inbox().why_dropped(&looked));
                slot.reject(reason);
            }
            Held::Group(group, looked) => {
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
