//! Reports deliveries as handled in bulk.

use super::group::TokenGroup;
use super::slot::Slot;
use super::token::Token;
use crate::sync::Arc;

/// Deliveries that were handled one after the other. They are reported together, once there are enough, and
/// on drop, including the unwinding of a panic in a later one.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// Slots of the same inbox, without other holders.
    slots: Vec<Slot>,
    /// A group, and the number of its holders that are to settle.
    group: Option<(Arc<TokenGroup>, usize)>,
}

/// The most deliveries reported together: the first ones should not wait long.
const TOGETHER: usize = 64;

impl Handled {
    /// Adds a handled delivery.
    #[inline]
    pub(crate) fn add(&mut self, token: Token) {
        match token.into_slot() {
            Ok(mut slot) => match slot.leave() {
                None => self.push(slot),
                Some(group) => {
                    group.keep(Token::slot(slot));
                    self.count(group);
                }
            },
            Err(token) => match token.into_group() {
                Ok(group) => self.count(group),
                Err(token) => token.acknowledge(),
            },
        }
    }

    /// Counts a holder of a group: neighbours are parts of the same delivery, and settle with one subtraction.
    #[inline]
    fn count(&mut self, group: Arc<TokenGroup>) {
        match &mut self.group {
            Some((last, holders)) if Arc::ptr_eq(last, &group) && *holders < TOGETHER => *holders += 1,
            _ => {
                if let Some((last, holders)) = self.group.replace((group, 1)) {
                    last.acknowledge(holders);
                }
            }
        }
    }

    #[inline]
    fn push(&mut self, slot: Slot) {
        let strange = self.slots.last().is_some_and(|last| !Arc::ptr_eq(last.inbox(), slot.inbox()));
        if strange || self.slots.len() == TOGETHER {
            self.tell_slots();
        }
        self.slots.push(slot);
    }

    /// Reports all added deliveries. The memory is kept.
    pub(crate) fn tell(&mut self) {
        if let Some((last, holders)) = self.group.take() {
            last.acknowledge(holders);
        }
        self.tell_slots();
    }

    fn tell_slots(&mut self) {
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
