//! What every dispatcher does, and the laws it keeps (see the [module](crate::dispatch)'s documentation).

use super::supply::decider::Standing;
use super::{Marker, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::subscriber_options::SubscriberOptions;

/// Decides which subscriber gets which events.
///
/// A dispatcher is a plain value: no clock, no task, no channel. The engine calls it with keys that are
/// subscribed, keeps what it leaves over, and announces to the stage what it
/// [wants](Dispatcher::wanted). It has to keep the [laws](crate::dispatch#laws) D1 to D6; one that takes
/// in less than it says it wants makes the stage wait, but never lose an event.
///
/// # Examples
///
/// The first subscriber gets everything it asks for; the others get what it does not want:
///
/// ```
/// use stage_core::dispatch::{Dispatcher, Outbox, SubscriberOptions, SubscriptionKey};
/// use stage_core::{Demand, SubscribeError};
///
/// #[derive(Default)]
/// struct FirstComesFirst {
///     subscribers: Vec<(SubscriptionKey, usize)>,
/// }
///
/// impl<E> Dispatcher<E> for FirstComesFirst {
///     fn subscribe(
///         &mut self,
///         key: SubscriptionKey,
///         _options: SubscriberOptions<E>,
///     ) -> Result<(), SubscribeError> {
///         self.subscribers.push((key, 0));
///         Ok(())
///     }
///
///     fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
///         self.subscribers.retain(|(subscriber, _)| *subscriber != key);
///     }
///
///     fn ask(&mut self, key: SubscriptionKey, demand: Demand, _outbox: &mut Outbox<E>) {
///         for (_, credit) in self.subscribers.iter_mut().filter(|(subscriber, _)| *subscriber == key) {
///             *credit += demand.get();
///         }
///     }
///
///     fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
///         for (key, credit) in &mut self.subscribers {
///             let count = events.len().min(*credit);
///             outbox.send(*key, events, count);
///             *credit -= count;
///         }
///     }
///
///     fn wanted(&self) -> usize {
///         self.subscribers.iter().map(|(_, credit)| credit).sum()
///     }
/// }
///
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// let mut dispatcher = FirstComesFirst::default();
/// let mut outbox = Outbox::new();
/// for (key, asked) in [(a, 2), (b, 5)] {
///     dispatcher.subscribe(key, SubscriberOptions::<char>::new())?;
///     dispatcher.ask(key, Demand::new(asked).unwrap(), &mut outbox);
/// }
/// let mut events = vec!['x', 'y', 'z'];
/// dispatcher.dispatch(&mut events, &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(a, vec!['x', 'y']), (b, vec!['z'])]);
/// assert_eq!(Dispatcher::<char>::wanted(&dispatcher), 4);
/// # Ok::<(), SubscribeError>(())
/// ```
pub trait Dispatcher<E>: Send {
    /// Takes a subscriber in; it wants nothing until it asks.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be served, which goes to the subscriber. The dispatcher is then as if it
    /// had not been called.
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError>;

    /// Forgets a subscriber and what it still wanted; another may take its place.
    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>);

    /// Forgets a subscriber that wants nothing ever again, and that nobody will take the place of.
    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        self.cancel(key, outbox);
    }

    /// Events that `key` did not receive come back, before it is cancelled or finished. Those that only
    /// its place can get are taken in; those that stay in `events` are the next to be dispatched. Returns
    /// how many were dropped, because nobody can get them any more.
    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        let _ = (key, events);
        0
    }

    /// Adds to what a subscriber wants; may hand out what the dispatcher kept for it.
    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>);

    /// Hands out `events` from the front; what nobody wants stays in `events`.
    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>);

    /// How many more events the next dispatch takes in.
    fn wanted(&self) -> usize;

    /// How many events the dispatcher keeps inside.
    fn kept(&self) -> usize {
        0
    }

    /// Whether it spreads each emission over its subscribers. What they asked for at about the same time is then
    /// announced to the stage as one demand, so that each gets one message of it and not a part of many.
    fn spreads(&self) -> bool {
        false
    }

    /// Whether it gives each event to every subscriber, so that the slowest of them rules what is wanted.
    fn gives_to_all(&self) -> bool {
        false
    }

    /// What the hub wants to know after each call, by one. For the dispatchers of this crate.
    #[doc(hidden)]
    fn standing(&self) -> Standing {
        Standing { wanted: self.wanted(), kept: self.kept(), sole: None }
    }

    /// What the [sole](Standing) subscriber wants by now, of which the hub saw to asks and events by itself.
    #[doc(hidden)]
    fn catch_up(&mut self, credit: usize) {
        let _ = credit;
    }

    /// Puts a marker behind the events it keeps inside: to be [fired](Outbox::fire) when they are gone. A
    /// dispatcher that keeps none gives it back, which fires it now.
    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Some(marker)
    }

    /// Forgets the events it keeps inside; says how many there were.
    fn discard(&mut self) -> usize {
        0
    }

    /// Moves the events it keeps inside to the end of `into`, in an order in which they could be dispatched again; says
    /// how many were dropped instead, because somebody has them already or nobody can get them. Called when the stage
    /// ends: they go back to the stage, see [`Producer::take_back`](crate::Producer::take_back). Default: all are
    /// [dropped](Self::discard).
    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        let _ = into;
        self.discard()
    }
}

impl<E, D: Dispatcher<E> + ?Sized> Dispatcher<E> for Box<D> {
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError> {
        (**self).subscribe(key, options)
    }

    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        (**self).cancel(key, outbox);
    }

    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        (**self).finish(key, outbox);
    }

    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        (**self).take_back(key, events)
    }

    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
        (**self).ask(key, demand, outbox);
    }

    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
        (**self).dispatch(events, outbox);
    }

    fn wanted(&self) -> usize {
        (**self).wanted()
    }

    fn kept(&self) -> usize {
        (**self).kept()
    }

    fn standing(&self) -> Standing {
        (**self).standing()
    }

    fn catch_up(&mut self, credit: usize) {
        (**self).catch_up(credit);
    }

    fn spreads(&self) -> bool {
        (**self).spreads()
    }

    fn gives_to_all(&self) -> bool {
        (**self).gives_to_all()
    }

    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        (**self).mark(marker)
    }

    fn discard(&mut self) -> usize {
        (**self).discard()
    }

    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        (**self).take_kept(into)
    }
}
