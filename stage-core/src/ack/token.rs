//! One holder of a delivery: it acknowledges or rejects, at the latest when it is dropped.

mod parts;

use std::fmt;
use std::mem;

use super::delivery::Delivery;
use super::group::{GroupKind, TokenGroup};
use super::handled::Handled;
use super::holder::Holder;
use super::inbox::Inbox;
use super::looked::Looked;
use super::origin::Origin;
use super::reason::Reason;
use super::slot::Slot;
use crate::sync::Arc;
use crate::trace::Trace;

/// The part of a [`Delivery`] that settles it. Dropping a token rejects: a token without its value is in the
/// hands of a handler, so this is a failed attempt.
#[derive(Debug)]
#[must_use = "a token that is dropped rejects its delivery"]
pub struct Token {
    holder: Holder,
    trace: Trace,
}

impl Token {
    /// Returns a token whose verdict is not reported.
    pub const fn untracked() -> Self {
        Self::held_by(Holder::Nothing)
    }

    #[inline]
    pub(super) const fn slot(slot: Slot) -> Self {
        Self::held_by(Holder::Slot(slot, Looked::yes()))
    }

    const fn held_by(holder: Holder) -> Self {
        Self { holder, trace: Trace::none() }
    }

    /// Sets the trace that the delivery belongs to.
    #[inline]
    pub(super) fn traced(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    /// Returns the trace that the delivery belongs to.
    #[inline]
    pub(crate) const fn trace(&self) -> &Trace {
        &self.trace
    }

    #[cfg(feature = "trace")]
    pub(super) fn continue_trace(&mut self, context: crate::trace::TraceContext) {
        mem::take(&mut self.trace).discard();
        self.trace = Trace::continued(context);
    }

    /// Joins tokens into one that runs `look` before a handler first looks at its event, also at a clone.
    pub(super) fn watched(tokens: impl Iterator<Item = Self>, look: impl FnOnce() + Send + 'static) -> Self {
        let mut tokens: Vec<_> = tokens.collect();
        let trace = join_traces(&mut tokens);
        Self::held_by(Holder::Group(TokenGroup::watched(tokens, look), Looked::yes())).traced(trace)
    }

    /// Joins several tokens into one; its verdict applies to all of them.
    pub fn join(tokens: impl IntoIterator<Item = Self>) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        match tokens.len() {
            0 => Self::untracked(),
            1 => tokens.remove(0),
            _ => {
                let trace = join_traces(&mut tokens);
                Self::held_by(Holder::Group(TokenGroup::of_many(tokens), Looked::yes())).traced(trace)
            }
        }
    }

    /// Adds a holder: the delivery is acknowledged once all holders have acknowledged it.
    pub fn share(&self) -> Self {
        let trace = self.trace.share();
        let group = match &self.holder {
            Holder::Nothing => return Self::untracked().traced(trace),
            Holder::Slot(slot, _) => slot.share(),
            Holder::Group(group, _) => Arc::clone(group),
            Holder::Frame(frame, _) => {
                frame.hold(1);
                return Self::held_by(Holder::Frame(frame, Looked::yes())).traced(trace);
            }
        };
        group.hold(1);
        Self::held_by(Holder::Group(group, Looked::yes())).traced(trace)
    }

    /// Returns a delivery of `value` that this token settles. It is not in hand until a handler looks at it.
    #[inline]
    pub fn with<T>(self, value: T) -> Delivery<T> {
        let (holder, mut trace) = self.dismantle();
        trace.pass_on();
        Delivery { value, token: Self { holder: holder.marked(Looked::no()), trace } }
    }

    /// Same as [`with`](Self::with), for a token that is rarely marked: it stays as it is then.
    #[inline]
    pub(super) fn with_unmarked<T>(mut self, value: T) -> Delivery<T> {
        if self.is_marked() {
            return self.with(value);
        }
        self.trace.pass_on();
        Delivery { value, token: self }
    }

    /// Returns the dead letter of an event that failed with `error`. A handler has tried the event: a drop anywhere
    /// is a failed attempt.
    pub(crate) fn with_letter<T>(self, letter: T, error: &dyn fmt::Display) -> Delivery<T> {
        self.trace.fail(|| error.to_string());
        let delivery = self.with(letter);
        delivery.token.trace.dead_letter();
        delivery.token.look();
        delivery
    }

    /// Takes the token apart, which leaves nothing to drop.
    #[inline]
    fn dismantle(mut self) -> (Holder, Trace) {
        let parts = (mem::replace(&mut self.holder, Holder::Nothing), mem::take(&mut self.trace));
        mem::forget(self);
        parts
    }

    /// Gives the delivery back untried, because no handler looked at the event after all.
    pub(crate) fn give_back(self) {
        drop(self.with(()));
    }

    /// Records that a handler looks at the value, like [`look`](Self::look). The token is built again, because a
    /// store into one that moves right afterwards stalls the processor.
    #[inline]
    pub(super) fn in_hand(self) -> Self {
        self.begin_look();
        let (holder, trace) = self.dismantle();
        Self { holder: holder.marked(Looked::yes()), trace }
    }

    /// Records that a handler looks at the value.
    #[inline]
    pub(super) fn look(&self) {
        self.mark();
        self.begin_look();
    }

    /// Does the work of the first look, which precedes that of a handler.
    #[inline]
    pub(super) fn begin_look(&self) {
        self.trace.look();
        if let Holder::Group(group, _) = &self.holder {
            group.look();
        }
    }

    /// Marks the token as looked at, so that a drop is a failed attempt.
    #[inline]
    pub(super) fn mark(&self) {
        if let Holder::Slot(_, looked) | Holder::Group(_, looked) | Holder::Frame(_, looked) = &self.holder {
            looked.set();
        }
    }

    #[inline]
    fn is_marked(&self) -> bool {
        match &self.holder {
            Holder::Nothing => false,
            Holder::Slot(_, looked) | Holder::Group(_, looked) | Holder::Frame(_, looked) => looked.is_set(),
        }
    }

    /// Acknowledges for this holder.
    #[inline]
    pub fn acknowledge(mut self) {
        match mem::replace(&mut self.holder, Holder::Nothing) {
            Holder::Nothing => {}
            Holder::Slot(slot, _) => slot.acknowledge(),
            Holder::Group(group, _) => group.acknowledge(1),
            Holder::Frame(frame, _) => frame.acknowledge(1),
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

    /// Rejects the delivery and keeps this hold on it: the source learns of the rejection once the last holder has
    /// settled, and until then every holder sees it by [`is_rejected`](Self::is_rejected).
    pub fn fail(&self, reason: Reason) {
        self.share().reject(reason);
    }

    /// Returns whether the verdict is reported to a source and still open.
    pub const fn is_tracked(&self) -> bool {
        !matches!(self.holder, Holder::Nothing)
    }

    /// Returns whether another holder has rejected the delivery, so that further work on it is wasted.
    pub fn is_rejected(&self) -> bool {
        match &self.holder {
            Holder::Nothing => false,
            Holder::Slot(slot, _) => slot.is_rejected(),
            Holder::Group(group, _) => group.is_rejected(),
            Holder::Frame(frame, _) => frame.is_rejected(),
        }
    }

    /// Returns whether another holder has rejected the delivery, without a lock.
    #[inline]
    pub(crate) fn is_lost(&mut self) -> bool {
        match &mut self.holder {
            Holder::Nothing => false,
            Holder::Slot(slot, _) => slot.is_lost(),
            Holder::Group(group, _) => group.is_rejected(),
            Holder::Frame(frame, _) => frame.is_rejected(),
        }
    }

    /// Returns whether this is a piece of a [`Whole`](super::Whole) of which another piece was rejected, so that it
    /// is skipped.
    #[inline]
    pub(crate) fn is_of_dead_whole(&self) -> bool {
        match &self.holder {
            Holder::Nothing | Holder::Slot(..) => false,
            Holder::Group(group, _) => group.kind() == GroupKind::Pieces && group.is_rejected(),
            Holder::Frame(frame, _) => frame.is_dead_whole(),
        }
    }

    /// Returns the [named](super::Whole::named) whole of which this is a piece, or was made. `None` for any other delivery,
    /// and for several that were [joined](Self::join).
    pub fn origin(&self) -> Option<Origin> {
        match &self.holder {
            Holder::Nothing | Holder::Slot(..) | Holder::Frame(..) => None,
            Holder::Group(group, _) => group.arrivals().map(|_| Origin { group: Arc::clone(group) }),
        }
    }

    /// Takes the holder, which the caller must settle.
    #[inline]
    pub(super) fn into_holder(self) -> Holder {
        self.dismantle().0
    }

    pub(super) fn inbox(&self) -> Option<Arc<Inbox>> {
        match &self.holder {
            Holder::Nothing => None,
            Holder::Slot(slot, _) => Some(Arc::clone(slot.inbox())),
            Holder::Group(group, _) => group.inbox(),
            Holder::Frame(frame, _) => frame.inbox(),
        }
    }

    /// Notes the failure in the trace. What returns untried, postponed or because of a stop has not failed.
    fn note_failure(&self, reason: &Reason) {
        match reason {
            Reason::Dropped | Reason::Failed(_) | Reason::Hopeless(_) => {
                self.trace.reject(|| reason.to_string());
            }
            Reason::Untried | Reason::Stopped | Reason::Postponed(_) => {}
        }
    }

    #[cold]
    fn settle_rejected(&mut self, reason: Option<Reason>) {
        match mem::replace(&mut self.holder, Holder::Nothing) {
            Holder::Nothing => {}
            Holder::Slot(slot, looked) => {
                let reason = reason.unwrap_or_else(|| slot.inbox().why_dropped(&looked));
                self.note_failure(&reason);
                slot.reject(reason);
            }
            Holder::Group(group, looked) => {
                let reason = reason.unwrap_or_else(|| group.why_dropped(&looked));
                self.note_failure(&reason);
                group.reject(reason);
            }
            Holder::Frame(frame, looked) => {
                let reason = reason.unwrap_or_else(|| frame.why_dropped(&looked));
                self.note_failure(&reason);
                frame.reject(reason);
            }
        }
    }
}

/// Takes the traces of tokens that are joined.
fn join_traces(tokens: &mut [Token]) -> Trace {
    Trace::join(tokens.iter_mut().map(|token| mem::take(&mut token.trace)))
}

impl Drop for Token {
    #[inline]
    fn drop(&mut self) {
        if self.is_tracked() {
            self.settle_rejected(None);
        }
    }
}
