//! When is a dispatcher asked? Not while there is nothing to decide.
//!
//! Most stages have one subscriber. What it asks for is a number then, and what is emitted is its own: both are seen
//! to here, and the dispatcher learns of it before it is asked anything else.

use crate::credit::demand::Demand;
use crate::dispatch::{Dispatcher, SubscriptionKey};

/// How it stands with a dispatcher.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub(crate) wanted: usize,
    pub(crate) kept: usize,
    /// The only subscriber, if there is nothing to decide: it gets what comes, as much as it asked for.
    pub(crate) sole: Option<Sole>,
}

/// A subscriber that shares with nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sole {
    pub(crate) key: SubscriptionKey,
    /// The largest ask that is nothing special.
    pub(crate) most: usize,
}

/// A dispatcher, and how it stands with it.
pub(crate) struct Decider<E> {
    dispatcher: Box<dyn Dispatcher<E>>,
    standing: Standing,
    /// Whether the sole subscriber asked or got something that the dispatcher does not know of.
    ahead: bool,
}

impl<E> Decider<E> {
    pub(crate) fn new(dispatcher: Box<dyn Dispatcher<E>>) -> Self {
        let standing = dispatcher.standing();
        Self { dispatcher, standing, ahead: false }
    }

    /// Tells the dispatcher something.
    pub(crate) fn tell<T>(&mut self, tell: impl FnOnce(&mut dyn Dispatcher<E>) -> T) -> T {
        if std::mem::take(&mut self.ahead) {
            self.dispatcher.catch_up(self.standing.wanted);
        }
        let answer = tell(&mut *self.dispatcher);
        self.standing = self.dispatcher.standing();
        answer
    }

    /// Whether each event goes to every subscriber.
    pub(crate) fn gives_to_all(&self) -> bool {
        self.dispatcher.gives_to_all()
    }

    /// Whether demands are announced together.
    pub(crate) fn spreads(&self) -> bool {
        self.dispatcher.spreads()
    }

    /// Sees to an ask that is a matter of counting; says whether it is.
    #[inline]
    pub(crate) fn counts(&mut self, key: SubscriptionKey, demand: Demand) -> bool {
        let plain = |sole: Sole| sole.key == key && demand.get() <= sole.most;
        if !self.standing.sole.is_some_and(plain) {
            return false;
        }
        self.standing.wanted = self.standing.wanted.saturating_add(demand.get());
        self.ahead = true;
        true
    }

    /// Who gets so many events, if all are wanted by the one who gets everything: they count as given.
    #[inline]
    pub(crate) fn give_all(&mut self, events: usize) -> Option<SubscriptionKey> {
        let sole = self.standing.sole?;
        self.standing.wanted = self.standing.wanted.checked_sub(events)?;
        self.ahead = true;
        Some(sole.key)
    }

    /// How many more events the next dispatch takes in.
    #[inline]
    pub(crate) fn wanted(&self) -> usize {
        self.standing.wanted
    }

    /// How many events the dispatcher keeps inside.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        self.standing.kept
    }
}
