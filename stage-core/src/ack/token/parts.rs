//! The tokens of a delivery's parts and pieces.

use std::mem;

use super::Token;
use crate::ack::delivery::Delivery;
use crate::ack::frame::Frame;
use crate::ack::group::{GroupKind, TokenGroup};
use crate::ack::holder::Holder;
use crate::ack::looked::Looked;
use crate::sync::Arc;

/// From this number of parts on, a delivery is split by a [`Frame`]. Fewer in tests, so that random histories have both.
const MANY: usize = if cfg!(test) { 2 } else { 16 };

impl Token {
    /// Returns the token of a whole: the tokens that it [shares](Self::share) belong to its pieces.
    pub(in crate::ack) fn of_whole(mut self, name: Option<Arc<str>>) -> Self {
        let trace = mem::take(&mut self.trace);
        Self::held_by(Holder::Group(TokenGroup::of_pieces(self, name), Looked::yes())).traced(trace)
    }

    /// Returns the same token as one whose further holders cost less, for this number of parts.
    pub(in crate::ack) fn shared_by(self, parts: usize) -> Self {
        let (holder, trace) = self.dismantle();
        let holder = match holder {
            Holder::Slot(slot, looked) if parts >= MANY && !slot.is_shared() => {
                Holder::Frame(Frame::of(slot, GroupKind::Copies), looked)
            }
            Holder::Slot(slot, looked) => Holder::Group(slot.into_group(), looked),
            held => held,
        };
        Self { holder, trace }
    }

    /// Returns the token of a whole without a name that is cut into this number of pieces: those that it counts in advance.
    pub(in crate::ack) fn of_pieces(self, pieces: usize) -> Self {
        let is_alone = match &self.holder {
            Holder::Slot(slot, _) => !slot.is_shared(),
            Holder::Nothing | Holder::Group(..) | Holder::Frame(..) => false,
        };
        if pieces < MANY || !is_alone {
            return self.of_whole(None);
        }
        let (holder, trace) = self.dismantle();
        let holder = match holder {
            Holder::Slot(slot, looked) => Holder::Frame(Frame::of(slot, GroupKind::Pieces), looked),
            held => held,
        };
        Self { holder, trace }
    }

    /// Counts this number of holders in advance, for [`part`](Self::part).
    pub(in crate::ack) fn hold(&self, holders: usize) {
        match &self.holder {
            Holder::Nothing | Holder::Slot(..) => {}
            Holder::Group(group, _) => group.hold(holders),
            Holder::Frame(frame, _) => frame.hold(holders),
        }
    }

    /// Takes back holders that were counted in advance and not made.
    pub(in crate::ack) fn release(&self, holders: usize) {
        match &self.holder {
            Holder::Nothing | Holder::Slot(..) => {}
            Holder::Group(group, _) => group.acknowledge(holders),
            Holder::Frame(frame, _) => frame.acknowledge(holders),
        }
    }

    /// Returns a delivery of a holder that was counted in advance, by a token that is [shared](Self::shared_by).
    #[inline]
    pub(in crate::ack) fn part<T>(&self, value: T) -> Delivery<T> {
        let holder = match &self.holder {
            Holder::Frame(frame, _) => Holder::Frame(frame, Looked::no()),
            Holder::Group(group, _) => Holder::Group(Arc::clone(group), Looked::no()),
            Holder::Nothing | Holder::Slot(..) => Holder::Nothing,
        };
        self.delivery_of(holder, value)
    }

    /// Appends the parts of the next `count` items, or of all if there are fewer, and takes each from `count`.
    #[inline]
    pub(in crate::ack) fn parts<I: Iterator>(
        &self,
        items: &mut I,
        count: &mut usize,
        parts: &mut Vec<Delivery<I::Item>>,
    ) {
        let known = items.take(*count);
        // The kind of the holder is looked at once.
        if let Holder::Frame(frame, _) = &self.holder {
            parts.extend(known.map(|item| {
                *count -= 1;
                self.delivery_of(Holder::Frame(frame, Looked::no()), item)
            }));
        } else {
            parts.extend(known.map(|item| {
                *count -= 1;
                self.part(item)
            }));
        }
    }

    #[inline]
    fn delivery_of<T>(&self, holder: Holder, value: T) -> Delivery<T> {
        let mut trace = self.trace.share();
        trace.pass_on();
        Delivery { value, token: Self { holder, trace } }
    }
}
