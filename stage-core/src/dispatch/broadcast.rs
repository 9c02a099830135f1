//! The broadcast dispatcher: sends each event to every subscriber, at the pace of the slowest.

use std::collections::HashSet;

use super::guard::guarded;
use super::tables::lowest::Lowest;
use super::tables::slots::Slots;
use super::{Dispatcher, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::{DispatchOptions, Selector};

/// Sends every event to every subscriber. The demand is the minimum over all subscribers: the slowest one
/// sets the pace, and a new one stops the flow until it asks.
///
/// Events are cloned for all but one subscriber; broadcast `Arc<E>` to share them instead. A subscriber with
/// a [selector](DispatchOptions::selector) receives only the events it selects, and rejected events use
/// none of its credit. A stage that gives its [identity](DispatchOptions::subscriber) is served only once.
///
/// Events that a lost subscriber had not received go to the next subscriber if no other one received them,
/// and are discarded otherwise: no subscriber receives an event that was broadcast before it subscribed.
///
/// ```
/// use stage_core::Demand;
/// use stage_core::dispatch::{BroadcastDispatcher, Dispatcher, Outbox, DispatchOptions, SubscriptionKey};
///
/// let (all, even) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut dispatcher = BroadcastDispatcher::new();
/// let mut outbox = Outbox::new();
/// dispatcher.subscribe(all, DispatchOptions::new())?;
/// dispatcher.subscribe(even, DispatchOptions::new().selector(|event: &u32| event % 2 == 0))?;
/// dispatcher.ask(all, Demand::new(3).unwrap(), &mut outbox);
/// assert_eq!(dispatcher.wanted(), 0);
/// dispatcher.ask(even, Demand::new(3).unwrap(), &mut outbox);
/// dispatcher.dispatch(&mut vec![1, 2, 3], &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(all, vec![1, 2, 3]), (even, vec![2])]);
/// # Ok::<(), stage_core::subscribe::SubscribeError>(())
/// ```
#[derive(Debug)]
pub struct BroadcastDispatcher<E> {
    members: Vec<Member<E>>,
    /// The index in `members`, by key.
    places: Slots<usize>,
    /// The subscribed stages.
    stages: HashSet<u64>,
    /// The limits of all members.
    limits: Lowest,
    /// The number of events broadcast so far.
    sent: u64,
    /// The number of events sent to the only member since it became the only one; 0 when there are several.
    alone: usize,
}

#[derive(Debug)]
struct Member<E> {
    key: SubscriptionKey,
    selector: Option<Selector<E>>,
    stage: Option<u64>,
    /// The member wants the broadcast up to this number of events.
    limit: u64,
}

impl<E> BroadcastDispatcher<E> {
    /// Creates a dispatcher without subscribers.
    pub fn new() -> Self {
        Self {
            members: Vec::new(),
            places: Slots::default(),
            stages: HashSet::new(),
            limits: Lowest::default(),
            sent: 0,
            alone: 0,
        }
    }

    /// Returns the number of further events that all members want.
    fn common(&self) -> usize {
        let credit = self.limits.get().map_or(0, |limit| limit - self.sent);
        usize::try_from(credit).unwrap_or(usize::MAX)
    }
}

impl<E: Clone> BroadcastDispatcher<E> {
    /// Sends the first `count` of `events` to every member.
    fn broadcast(&mut self, events: &mut Vec<E>, count: usize, outbox: &mut Outbox<E>) {
        let Some((last, others)) = self.members.split_last_mut() else { return };
        for member in others {
            let mut message = outbox.buffer();
            let offered = events[..count].iter();
            match &member.selector {
                None => message.extend(offered.cloned()),
                Some(selector) => {
                    let mut selects = selecting(member.key, selector, outbox);
                    message.extend(offered.filter(|event| selects(event)).cloned());
                }
            }
            member.give(message, count, &mut self.limits, outbox);
        }
        let mut message = outbox.buffer();
        match &last.selector {
            None if count == events.len() => std::mem::swap(&mut message, events),
            None => message.extend(events.drain(..count)),
            Some(selector) => {
                let mut selects = selecting(last.key, selector, outbox);
                message.extend(events.drain(..count).filter(|event| selects(event)));
            }
        }
        let got = last.give(message, count, &mut self.limits, outbox);
        self.alone = if self.members.len() == 1 { self.alone + got } else { 0 };
        self.sent += count as u64;
    }
}

/// Returns the selection function of one subscriber. If its selector panics, the subscriber receives nothing
/// more and is expelled.
fn selecting<'a, E>(
    key: SubscriptionKey,
    selector: &'a Selector<E>,
    outbox: &'a mut Outbox<E>,
) -> impl FnMut(&E) -> bool + 'a {
    let mut usable = true;
    move |event| {
        usable
            && guarded(|| selector.selects(event)).unwrap_or_else(|panicked| {
                usable = false;
                outbox.expel(key, panicked);
                false
            })
    }
}

impl<E> Member<E> {
    /// Sends the selected ones of `offered` events, refunds the credit for the others, and returns the number
    /// sent.
    fn give(
        &mut self,
        message: Vec<E>,
        offered: usize,
        limits: &mut Lowest,
        outbox: &mut Outbox<E>,
    ) -> usize {
        let got = message.len();
        if got < offered {
            self.limit = self.limit.saturating_add((offered - got) as u64).min(u64::MAX - 1);
            limits.set(self.key, self.limit);
        }
        outbox.send_all(self.key, message);
        got
    }
}

impl<E: Clone + Send> Dispatcher<E> for BroadcastDispatcher<E> {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
        if let Some(stage) = options.subscriber
            && !self.stages.insert(stage)
        {
            return Err(SubscribeError::AlreadySubscribed);
        }
        let DispatchOptions { selector, subscriber: stage, .. } = options;
        self.places.insert(key, self.members.len());
        self.members.push(Member { key, selector, stage, limit: self.sent });
        self.limits.set(key, self.sent);
        self.alone = 0;
        Ok(())
    }

    fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
        let Some(place) = self.places.remove(key) else { return };
        let gone = self.members.swap_remove(place);
        if let Some(moved) = self.members.get(place) {
            self.places.insert(moved.key, place);
        }
        if let Some(stage) = gone.stage {
            self.stages.remove(&stage);
        }
        self.limits.remove(key);
        self.alone = 0;
    }

    fn take_back(&mut self, _key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        let seen = events.len().saturating_sub(self.alone);
        events.drain(..seen);
        seen
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, _outbox: &mut Outbox<E>) {
        let Some(place) = self.places.get(key) else { return };
        let member = &mut self.members[*place];
        // The highest number is reserved for "no limit set".
        member.limit = member.limit.saturating_add(demand.get() as u64).min(u64::MAX - 1);
        self.limits.set(key, member.limit);
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        // The slowest member wants as much as before after events that its selector rejects.
        loop {
            let count = self.common().min(events.len());
            if count == 0 {
                return;
            }
            self.broadcast(events, count, outbox);
        }
    }

    fn wanted(&self) -> usize {
        self.common()
    }

    fn gives_to_all(&self) -> bool {
        true
    }
}

impl<E> Default for BroadcastDispatcher<E> {
    fn default() -> Self {
        Self::new()
    }
}
