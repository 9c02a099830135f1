//! Reports deliveries as handled in bulk.

use std::ptr;

use super::frame::Frame;
use super::group::TokenGroup;
use super::holder::Holder;
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
    /// A frame, and the number of its parts that are to settle.
    frame: Option<(&'static Frame, usize)>,
}

/// The most deliveries reported together: the first ones should not wait long.
const TOGETHER: usize = 64;

impl Handled {
    /// Adds a handled delivery. Parts of a frame are counted here, and what is rarer per event is not inlined, so that
    /// this is: a token that is passed on through memory stalls the processor.
    #[inline]
    pub(crate) fn add(&mut self, token: Token) {
        match token.into_holder() {
            Holder::Frame(frame, _) => self.count_part(frame),
            Holder::Slot(slot, _) => self.add_slot(slot),
            Holder::Group(group, _) => self.count(group),
            Holder::Nothing => {}
        }
    }

    #[inline(never)]
    fn add_slot(&mut self, mut slot: Slot) {
        match slot.leave() {
            None => self.push(slot),
            Some(group) => {
                group.keep(Token::slot(slot));
                self.count(group);
            }
        }
    }

    /// Counts a holder of a group: neighbours that belong to the same one settle with one subtraction.
    #[inline(never)]
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

    /// Counts a part of a frame: neighbours settle with one subtraction. The frame of the last parts is in use until
    /// they settle, so it cannot be that of another delivery meanwhile.
    #[inline]
    fn count_part(&mut self, frame: &'static Frame) {
        match &mut self.frame {
            Some((last, holders)) if ptr::eq(*last, frame) && *holders < TOGETHER => *holders += 1,
            _ => self.begin_frame(frame),
        }
    }

    /// Settles the last parts, and counts the first one of others.
    #[inline(never)]
    fn begin_frame(&mut self, frame: &'static Frame) {
        if let Some((last, holders)) = self.frame.replace((frame, 1)) {
            last.acknowledge(holders);
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
        if let Some((last, holders)) = self.frame.take() {
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
