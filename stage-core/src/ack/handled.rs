//! Many deliveries that were handled, told of at once.

use super::slot::Slot;
use super::token::Token;
use crate::sync::Arc;

/// Deliveries that were handled one after the other, to be told together: when there are enough, and when it is
/// dropped, also by the unwind of a panic in what came behind them.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// Of one inbox, and with no other holders.
    slots: Vec<Slot>,
}

/// So many are told of together at most: those that were handled should not wait long for others.
const TOGETHER: usize = 64;

impl Handled {
    /// This one was handled, too.
    #[inline]
    pub(crate) fn add(&mut self, token: Token) {
        match token.into_slot() {
            Ok(mut slot) => match slot.leave() {
                None => self.push(slot),
                Some(group) => {
                    group.keep(Token::slot(slot));
                    group.acknowledge();
                }
            },
            Err(token) => token.acknowledge(),
        }
    }

    #[inline]
    fn push(&mut self, slot: Slot) {
        let strange = self.slots.last().is_some_and(|last| !Arc::ptr_eq(last.inbox(), slot.inbox()));
        if strange || self.slots.len() == TOGETHER {
            self.tell();
        }
        self.slots.push(slot);
    }

    /// Tells of all of them. The memory is kept.
    pub(crate) fn tell(&mut self) {
        let Some(last) = self.slots.last() else { return };
        let inbox = Arc::clone(last.inbox());
        inbox.all_acknowledged(&mut self.slots);
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.tell();
    }
}
