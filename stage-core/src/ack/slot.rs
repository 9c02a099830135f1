//! The slot of an open delivery: its owner holds the delivery.

use std::fmt;

use super::group::TokenGroup;
use super::inbox::Inbox;
use super::reason::Reason;
use super::token::Token;
use crate::sync::{Arc, Mutex, get_mut, lock};

/// Moves from the source to the holder that settles the delivery, then back for reuse. A delivery with a
/// single holder therefore needs no reference count, and no contended write. One word, because it is moved
/// often.
pub(super) struct Slot(Box<Inside>);

struct Inside {
    /// The index of the receipt.
    place: u32,
    inbox: Arc<Inbox>,
    /// The group of holders, once there is more than one.
    group: Mutex<Option<Arc<TokenGroup>>>,
}

impl Slot {
    pub(super) fn new(place: u32, inbox: &Arc<Inbox>) -> Self {
        Self(Box::new(Inside { place, inbox: Arc::clone(inbox), group: Mutex::new(None) }))
    }

    #[inline]
    pub(super) const fn place(&self) -> usize {
        self.0.place as usize
    }

    /// Returns the group of holders, which includes the owner of the slot.
    pub(super) fn share(&self) -> Arc<TokenGroup> {
        let mut group = lock(&self.0.group);
        Arc::clone(group.get_or_insert_with(|| TokenGroup::of_one(&self.0.inbox)))
    }

    /// Returns whether there is or was another holder.
    pub(super) fn is_shared(&self) -> bool {
        lock(&self.0.group).is_some()
    }

    /// Leaves the group of holders, if there is or was more than one, and returns it. The caller must then
    /// settle with it.
    #[inline]
    pub(super) fn leave(&mut self) -> Option<Arc<TokenGroup>> {
        get_mut(&mut self.0.group).take()
    }

    /// Moves into the group of holders, and returns it: its holders settle the delivery.
    pub(super) fn into_group(mut self) -> Arc<TokenGroup> {
        let group = self.share();
        self.leave();
        group.keep(Token::slot(self));
        group
    }

    #[inline]
    pub(super) const fn inbox(&self) -> &Arc<Inbox> {
        &self.0.inbox
    }

    /// Returns whether another holder has rejected the delivery.
    pub(super) fn is_rejected(&self) -> bool {
        lock(&self.0.group).as_ref().is_some_and(|group| group.is_rejected())
    }

    /// Returns the same, without a lock.
    #[inline]
    pub(super) fn is_lost(&mut self) -> bool {
        get_mut(&mut self.0.group).as_ref().is_some_and(|group| group.is_rejected())
    }

    /// Acknowledges. Returns the slot to its inbox, unless there are other holders.
    pub(super) fn acknowledge(mut self) {
        match self.leave() {
            None => {
                let inbox = Arc::clone(&self.0.inbox);
                inbox.acknowledged(self);
            }
            Some(group) => {
                group.keep(Token::slot(self));
                group.acknowledge(1);
            }
        }
    }

    /// Rejects. If there are other holders, the first reason counts.
    pub(super) fn reject(mut self, reason: Reason) {
        match self.leave() {
            None => {
                let inbox = Arc::clone(&self.0.inbox);
                inbox.rejected(self, reason);
            }
            Some(group) => {
                group.keep(Token::slot(self));
                group.reject(reason);
            }
        }
    }
}

/// Omits the group and the inbox, because they lead back to the slot.
impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("place", &self.0.place).finish_non_exhaustive()
    }
}
