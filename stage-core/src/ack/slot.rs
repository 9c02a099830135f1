//! The place of one delivery in the books of its source: who has it, has the delivery.

use std::fmt;

use super::group::Group;
use super::inbox::Inbox;
use super::reason::Reason;
use super::token::Token;
use crate::sync::{Arc, Mutex, PoisonError, lock};

/// Moved from the source to whoever settles the delivery, and back, and used again. So a delivery that stays with one
/// holder costs no count, and no write that two threads would quarrel about. One word, to be moved often.
pub(super) struct Slot(Box<Inside>);

struct Inside {
    /// Where the receipt is.
    place: u32,
    inbox: Arc<Inbox>,
    /// There since the delivery got more holders.
    group: Mutex<Option<Arc<Group>>>,
}

impl Slot {
    pub(super) fn new(place: u32, inbox: &Arc<Inbox>) -> Self {
        Self(Box::new(Inside { place, inbox: Arc::clone(inbox), group: Mutex::new(None) }))
    }

    #[inline]
    pub(super) const fn place(&self) -> usize {
        self.0.place as usize
    }

    /// The holders of the delivery, of whom the owner of the slot is one.
    pub(super) fn share(&self) -> Arc<Group> {
        let mut group = lock(&self.0.group);
        Arc::clone(group.get_or_insert_with(|| Group::of_one(&self.0.inbox)))
    }

    /// The other holders, if there are, or were, any. Who asks is no holder any more until he has told them.
    #[inline]
    pub(super) fn leave(&mut self) -> Option<Arc<Group>> {
        self.0.group.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    #[inline]
    pub(super) const fn inbox(&self) -> &Arc<Inbox> {
        &self.0.inbox
    }

    /// Whether another holder has rejected it.
    pub(super) fn is_rejected(&self) -> bool {
        lock(&self.0.group).as_ref().is_some_and(|group| group.is_rejected())
    }

    /// It was handled. Takes the slot home, unless others hold the delivery.
    pub(super) fn acknowledge(mut self) {
        match self.leave() {
            None => {
                let inbox = Arc::clone(&self.0.inbox);
                inbox.acknowledged(self);
            }
            Some(group) => {
                group.keep(Token::slot(self));
                group.acknowledge();
            }
        }
    }

    /// It was not handled. If there are other holders, the first reason counts.
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

/// The other holders and the inbox lead back to it.
impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("place", &self.0.place).finish_non_exhaustive()
    }
}
