//! Bypasses the dispatcher while there is nothing to decide.
//!
//! Most stages have one subscriber. Its asks and deliveries are then plain arithmetic: they are tracked here,
//! and the dispatcher is brought up to date before its next call.

use crate::credit::demand::Demand;
use crate::dispatch::any_dispatcher::AnyDispatcher;
use crate::dispatch::{Dispatcher, SubscriptionKey};

/// The state of a dispatcher after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DispatcherState {
    pub(crate) wanted: usize,
    pub(crate) kept: usize,
    /// The only subscriber, if there is nothing to decide: it receives every event, as far as it asked.
    pub(crate) sole: Option<SoleSubscriber>,
}

/// The only subscriber of a dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SoleSubscriber {
    pub(crate) key: SubscriptionKey,
    /// The largest ask that causes no warning.
    pub(crate) most: usize,
}

/// A dispatcher, with its last known state.
pub(crate) struct TrackedDispatcher<E> {
    dispatcher: AnyDispatcher<E>,
    state: DispatcherState,
    /// Whether the dispatcher does not yet know of recent asks or deliveries of the sole subscriber.
    ahead: bool,
}

impl<E> TrackedDispatcher<E> {
    pub(crate) fn new(dispatcher: AnyDispatcher<E>) -> Self {
        let state = dispatcher.state();
        Self { dispatcher, state, ahead: false }
    }

    /// Brings the dispatcher up to date and returns it for one call, behind which [`look`](Self::look) follows. A
    /// function of both around a closure would be compiled again for each kind of call.
    #[inline(never)]
    pub(super) fn caught_up(&mut self) -> &mut dyn Dispatcher<E> {
        if std::mem::take(&mut self.ahead) {
            self.dispatcher.catch_up(self.state.wanted);
        }
        self.dispatcher.get_mut()
    }

    /// Takes in the state of the dispatcher after a call.
    #[inline(never)]
    pub(super) fn look(&mut self) {
        self.state = self.dispatcher.state();
    }

    /// Returns whether each event goes to every subscriber.
    pub(crate) fn gives_to_all(&self) -> bool {
        self.dispatcher.get().gives_to_all()
    }

    /// Returns whether an event kept inside the dispatcher may still go to `key`.
    pub(crate) fn keeps_for(&self, key: SubscriptionKey) -> bool {
        self.state.kept > 0 && self.dispatcher.get().keeps_for(key)
    }

    /// Returns whether demands are announced together.
    pub(crate) fn spreads(&self) -> bool {
        self.dispatcher.get().spreads()
    }

    /// Fast path for an ask of the sole subscriber: adds to its credit. Returns false if the dispatcher must
    /// be asked.
    #[inline]
    pub(crate) fn counts(&mut self, key: SubscriptionKey, demand: Demand) -> bool {
        let plain = |sole: SoleSubscriber| sole.key == key && demand.get() <= sole.most;
        if !self.state.sole.is_some_and(plain) {
            return false;
        }
        self.state.wanted = self.state.wanted.saturating_add(demand.get());
        self.ahead = true;
        true
    }

    /// Fast path for `events` emitted events: if the sole subscriber wants them all, counts them as delivered
    /// and returns its key.
    #[inline]
    pub(crate) fn give_all(&mut self, events: usize) -> Option<SubscriptionKey> {
        let sole = self.state.sole?;
        self.state.wanted = self.state.wanted.checked_sub(events)?;
        self.ahead = true;
        Some(sole.key)
    }

    /// Returns the number of further events that the next dispatch takes in.
    #[inline]
    pub(crate) fn wanted(&self) -> usize {
        self.state.wanted
    }

    /// Returns the number of events kept inside the dispatcher.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        self.state.kept
    }
}
