//! The fair dispatcher: sends each event to the subscriber with the fewest events outstanding.

use std::cmp::Reverse;

use super::tables::ranking::Ranking;
use super::tables::slots::Slots;
use super::tables::total::Total;
use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;

/// Sends every event, one by one, to the subscriber with the fewest events outstanding; subscribers with
/// equally many take turns. The events of one dispatch for one subscriber form one message.
///
/// *Outstanding* events were sent to a subscriber and not yet replaced by a new ask. A slow subscriber
/// therefore receives less, and a large window does not bring more than a fair share.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{Dispatcher, FairDispatcher, Outbox, DispatchOptions, SubscriptionKey};
///
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut dispatcher = FairDispatcher::new();
/// let mut outbox = Outbox::new();
/// for (key, asked) in [(a, 1000), (b, 10)] {
///     dispatcher.subscribe(key, DispatchOptions::<u32>::new())?;
///     dispatcher.ask(key, Demand::new(asked).unwrap(), &mut outbox);
/// }
/// dispatcher.dispatch(&mut vec![1, 2, 3, 4], &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(a, vec![1, 3]), (b, vec![2, 4])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
#[derive(Debug, Default)]
pub struct FairDispatcher {
    shares: Slots<Share>,
    /// The subscribers with credit, fewest outstanding first.
    ranking: Ranking<Reverse<usize>>,
    credit: Total,
    /// The number of subscribers that have asked.
    open: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    credit: usize,
    outstanding: usize,
    /// Whether it has asked before: later asks replace events that it handled.
    open: bool,
}

impl FairDispatcher {
    /// Creates a dispatcher without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of subscribers that have asked so far.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Returns the subscriber whose turn it is, with the event it receives already accounted for.
    pub(super) fn next(&mut self) -> Option<SubscriptionKey> {
        let key = self.ranking.pop()?;
        self.account(key, 1);
        Some(key)
    }

    /// Accounts for `events` sent to `key`, which is not ranked at this moment.
    fn account(&mut self, key: SubscriptionKey, events: usize) {
        let Some(share) = self.shares.get_mut(key) else { return };
        share.credit -= events;
        share.outstanding += events;
        self.credit.less(events);
        if share.credit > 0 {
            self.ranking.set(key, Reverse(share.outstanding));
        }
    }

    /// Sends to the only subscriber with credit as many events as it asked for.
    fn serve_only<E>(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        let Some(key) = self.ranking.pop() else { return };
        let credit = self.shares.get(key).map_or(0, |share| share.credit);
        let count = credit.min(events.len());
        outbox.send(key, events, count);
        self.account(key, count);
    }
}

impl<E> Dispatcher<E> for FairDispatcher {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        _options: DispatchOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.shares.insert(key, Share::default());
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        let Some(share) = self.shares.remove(key) else { return };
        self.ranking.remove(key);
        self.credit.less(share.credit);
        self.open -= usize::from(share.open);
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, _outbox: &mut Outbox<E>) {
        let Some(share) = self.shares.get_mut(key) else { return };
        if std::mem::replace(&mut share.open, true) {
            share.outstanding = share.outstanding.saturating_sub(demand.get());
        } else {
            self.open += 1;
        }
        self.credit.ask(&mut share.credit, demand.get());
        self.ranking.set(key, Reverse(share.outstanding));
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        if self.ranking.len() == 1 && !events.is_empty() {
            self.serve_only(events, outbox);
            return;
        }
        let taken = self.credit.get().min(events.len());
        for event in events.drain(..taken) {
            if let Some(key) = self.next() {
                outbox.push(key, event);
            }
        }
    }

    fn wanted(&self) -> usize {
        self.credit.get()
    }
}
