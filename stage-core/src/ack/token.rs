//! One holder of a delivery: it acknowledges or rejects, at the latest when it is dropped.

use std::mem;

use super::block::Block;
use super::delivery::Delivery;
use super::joined::Joined;
use super::reason::Reason;
use crate::sync::Arc;

/// The part of a [`Delivery`] that is settled. A token that is dropped rejects.
#[derive(Debug)]
#[must_use = "a token that is dropped rejects its delivery"]
pub struct Token(Held);

#[derive(Debug)]
enum Held {
    /// Nothing that anybody wants to know of, or settled already.
    Nothing,
    Slot {
        block: Arc<Block>,
        slot: u32,
    },
    Joined(Arc<Joined>),
}

impl Token {
    /// A token that nobody is told about.
    pub const fn untracked() -> Self {
        Self(Held::Nothing)
    }

    #[inline]
    pub(super) const fn slot(block: Arc<Block>, slot: u32) -> Self {
        Self(Held::Slot { block, slot })
    }

    /// One token for many: whatever is said of it is said of all.
    pub fn join(tokens: impl IntoIterator<Item = Self>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        match tokens.len() {
            0 => Self::untracked(),
            1 => tokens.remove(0),
            _ => Self(Held::Joined(Joined::new(tokens))),
        }
    }

    /// One holder more: the delivery is acknowledged when all of them acknowledged it.
    pub fn share(&self) -> Self {
        Self(match &self.0 {
            Held::Nothing => Held::Nothing,
            Held::Slot { block, slot } => {
                block.hold(*slot as usize);
                Held::Slot { block: Arc::clone(block), slot: *slot }
            }
            Held::Joined(joined) => {
                joined.hold();
                Held::Joined(Arc::clone(joined))
            }
        })
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
            Held::Slot { block, slot } => block.acknowledge(slot as usize),
            Held::Joined(joined) => joined.acknowledge(),
        }
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
            Held::Slot { block, slot } => block.is_rejected(*slot as usize),
            Held::Joined(joined) => joined.is_rejected(),
        }
    }

    pub(super) fn why_dropped(&self) -> Reason {
        match &self.0 {
            Held::Nothing => Reason::Dropped,
            Held::Slot { block, .. } => block.why_dropped(),
            Held::Joined(joined) => joined.why_dropped(),
        }
    }

    #[cold]
    fn settle_rejected(&mut self, reason: Option<Reason>) {
        match mem::replace(&mut self.0, Held::Nothing) {
            Held::Nothing => {}
            Held::Slot { block, slot } => block.reject(slot as usize, reason),
            Held::Joined(joined) => joined.reject(reason),
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
