//! One holder of a delivery: it acknowledges or rejects, at the latest when it is dropped.

use std::mem;

use super::delivery::Delivery;
use super::group::Group;
use super::handled::Handled;
use super::inbox::Inbox;
use super::reason::Reason;
use super::slot::Slot;
use crate::sync::Arc;

/// The part of a [`Delivery`] that is settled. A token that is dropped rejects.
#[derive(Debug)]
#[must_use = "a token that is dropped rejects its delivery"]
pub struct Token(Held);

#[derive(Debug)]
enum Held {
    /// Nothing that anybody wants to know of, or settled already.
    Nothing,
    /// The first holder of a delivery.
    Slot(Slot),
    /// One of its other holders, or of many deliveries.
    Group(Arc<Group>),
}

impl Token {
    /// A token that nobody is told about.
    pub const fn untracked() -> Self {
        Self(Held::Nothing)
    }

    #[inline]
    pub(super) const fn slot(slot: Slot) -> Self {
        Self(Held::Slot(slot))
    }

    /// One token for many: whatever is said of it is said of all.
    pub fn join(tokens: impl IntoIterator<Item = Self>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        match tokens.len() {
            0 => Self::untracked(),
            1 => tokens.remove(0),
            _ => Self(Held::Group(Group::of_many(tokens))),
        }
    }

    /// One holder more: the delivery is acknowledged when all of them acknowledged it.
    pub fn share(&self) -> Self {
        let group = match &self.0 {
            Held::Nothing => return Self::untracked(),
            Held::Slot(slot) => slot.share(),
            Held::Group(group) => Arc::clone(group),
        };
        group.hold();
        Self(Held::Group(group))
    }

    /// The delivery of `value` that is settled by this token.
    #[inline]
    pub const fn with<T>(self, value: T) -> Delivery<T> {
        Delivery { value, token: self }
    }

    /// This holder did its part.
    #[inline]
    pub fn acknowledge(mut self) {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Nothing => {}
            Held::Slot(slot) => slot.acknowledge(),
            Held::Group(group) => group.acknowledge(),
        }
    }

    /// These holders did their parts. As [`acknowledge`](Self::acknowledge) of each, in order, and cheaper.
    pub fn acknowledge_all(tokens: impl IntoIterator<Item = Self>) {
        let mut handled = Handled::default();
        tokens.into_iter().for_each(|token| handled.add(token));
    }

    /// This holder did not do its part. If several reject, the first reason counts.
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
            Held::Slot(slot) => slot.is_rejected(),
            Held::Group(group) => group.is_rejected(),
        }
    }

    /// The slot of a first holder, or the token.
    #[inline]
    pub(super) fn into_slot(mut self) -> Result<Slot, Self> {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Slot(slot) => Ok(slot),
            held => Err(Self(held)),
        }
    }

    pub(super) fn inbox(&self) -> Option<&Arc<Inbox>> {
        match &self.0 {
            Held::Nothing => None,
            Held::Slot(slot) => Some(slot.inbox()),
            Held::Group(group) => group.inbox(),
        }
    }

    #[cold]
    fn settle_rejected(&mut self, reason: Option<Reason>) {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Nothing => {}
            Held::Slot(slot) => slot.reject(reason),
            Held::Group(group) => group.reject(reason),
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
