//! The [`Dispatcher`] trait; the [module](crate::dispatch)'s documentation states the laws of its
//! implementations.

use super::{Marker, Outbox, SubscriptionKey};
use crate::base::error::SubscribeError;
use crate::credit::demand::Demand;
use crate::dispatch::options::DispatchOptions;

/// Decides which subscriber receives which events.
///
/// A dispatcher is a plain value: no clock, no task, no channel. The engine calls it only with keys that are
/// subscribed, buffers the events that it leaves over, and announces the demand that it
/// [wants](Dispatcher::wanted) to the stage. It must keep the [laws](crate::dispatch#laws) D1 to D7; one that
/// takes in fewer events than it wants makes the stage wait, but no event is lost.
///
/// A dispatcher that keeps events of its own also says how many, and gives them up: here one queue for each of two
/// subscribers, which are served in turn.
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, Dispatcher, Marker, Outbox, SubscriptionKey};
/// use stage_core::subscribe::SubscribeError;
/// use stage_core::testing::Supply;
/// use stage_core::Demand;
///
/// #[derive(Default)]
/// struct InTurn<E> {
///     queues: [Vec<E>; 2],
///     credit: [usize; 2],
///     turn: usize,
///     markers: Vec<Marker>,
/// }
///
/// impl<E: Send> InTurn<E> {
///     fn serve(&mut self, outbox: &mut Outbox<E>) {
///         for (number, queue) in self.queues.iter_mut().enumerate() {
///             let count = queue.len().min(self.credit[number]);
///             outbox.send(SubscriptionKey::new(number), queue, count);
///             self.credit[number] -= count;
///         }
///         if self.kept() == 0 {
///             self.markers.drain(..).for_each(|marker| outbox.fire(marker));
///         }
///     }
/// }
///
/// impl<E: Send> Dispatcher<E> for InTurn<E> {
///     fn subscribe(&mut self, _key: SubscriptionKey, _options: DispatchOptions<E>) -> Result<(), SubscribeError> {
///         Ok(())
///     }
///
///     fn cancel(&mut self, key: SubscriptionKey, _outbox: &mut Outbox<E>) {
///         self.credit[key.number()] = 0;
///     }
///
///     fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
///         // Nobody takes the place, so its events have no destination.
///         outbox.discard(self.queues[key.number()].drain(..).count());
///         self.cancel(key, outbox);
///     }
///
///     fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
///         self.queues[key.number()].splice(..0, events.drain(..));
///         0
///     }
///
///     fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>) {
///         self.credit[key.number()] += demand.get();
///         self.serve(outbox);
///     }
///
///     fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>) {
///         let most = events.len().min(self.wanted());
///         for event in events.drain(..most) {
///             self.queues[self.turn].push(event);
///             self.turn = 1 - self.turn;
///         }
///         self.serve(outbox);
///     }
///
///     fn wanted(&self) -> usize {
///         (self.credit[0] + self.credit[1]).saturating_sub(self.kept())
///     }
///
///     fn kept(&self) -> usize {
///         self.queues[0].len() + self.queues[1].len()
///     }
///
///     fn keeps_for(&self, key: SubscriptionKey) -> bool {
///         !self.queues[key.number()].is_empty()
///     }
///
///     fn spreads(&self) -> bool {
///         true
///     }
///
///     fn gives_to_all(&self) -> bool {
///         false
///     }
///
///     fn mark(&mut self, marker: Marker) -> Option<Marker> {
///         if self.kept() == 0 {
///             return Some(marker);
///         }
///         self.markers.push(marker);
///         None
///     }
///
///     fn discard(&mut self) -> usize {
///         self.queues.iter_mut().map(|queue| queue.drain(..).count()).sum()
///     }
///
///     fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
///         self.queues.iter_mut().for_each(|queue| into.append(queue));
///         0
///     }
/// }
///
/// let mut supply = Supply::new(InTurn::default());
/// let (a, b) = (SubscriptionKey::new(0), SubscriptionKey::new(1));
/// supply.subscribe(a, DispatchOptions::new())?;
/// supply.subscribe(b, DispatchOptions::new())?;
/// supply.ask(a, 4);
/// supply.emit(['w', 'x', 'y', 'z']);
/// assert_eq!(supply.sent(), [(a, vec!['w', 'y'])]);
/// assert!(supply.keeps_for(b) && !supply.keeps_for(a));
/// assert_eq!(supply.mark(Marker::new(1)), None);
/// supply.ask(b, 2);
/// assert_eq!(supply.sent(), [(b, vec!['x', 'z'])]);
/// assert_eq!(supply.fired(), [Marker::new(1)]);
/// # Ok::<(), SubscribeError>(())
/// ```
///
/// # Examples
///
/// The first subscriber receives everything it asks for; the others receive what it leaves:
///
/// ```
/// use stage_core::dispatch::{DispatchOptions, Dispatcher, Outbox, SubscriptionKey};
/// use stage_core::subscribe::SubscribeError;
/// use stage_core::Demand;
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
///         _options: DispatchOptions<E>,
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
///     dispatcher.subscribe(key, DispatchOptions::<char>::new())?;
///     dispatcher.ask(key, Demand::new(asked).unwrap(), &mut outbox);
/// }
/// let mut events = vec!['x', 'y', 'z'];
/// dispatcher.dispatch(&mut events, &mut outbox);
/// assert_eq!(outbox.drain().collect::<Vec<_>>(), [(a, vec!['x', 'y']), (b, vec!['z'])]);
/// assert_eq!(Dispatcher::<char>::wanted(&dispatcher), 4);
/// # Ok::<(), SubscribeError>(())
/// ```
pub trait Dispatcher<E>: Send {
    /// Adds a subscriber. It has no demand until it asks.
    ///
    /// # Errors
    ///
    /// The reason the subscriber cannot be served; the subscriber receives it. After an error, the
    /// dispatcher must be unchanged.
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError>;

    /// Removes a subscriber and its unmet demand; another may take its place.
    fn cancel(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>);

    /// Removes a subscriber that will never ask again, and whose place no other will take.
    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>) {
        self.cancel(key, outbox);
    }

    /// Takes back events that `key` did not receive, before it is cancelled or finished. The dispatcher keeps
    /// those reserved for the place of `key`; those that remain in `events` are dispatched next. Returns the
    /// number of dropped events, which no subscriber can receive any more.
    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>) -> usize {
        let _ = (key, events);
        0
    }

    /// Adds to the demand of a subscriber; may hand out events kept for it.
    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>);

    /// Hands out `events` from the front; events without demand remain in `events`.
    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>);

    /// Returns the number of further events that the next dispatch takes in.
    fn wanted(&self) -> usize;

    /// Returns the number of events kept inside the dispatcher.
    fn kept(&self) -> usize {
        0
    }

    /// Returns whether an event kept inside may still go to `key`. The engine then holds the stage's
    /// [progress](crate::stage::Progress) back from `key`, so that no event arrives behind a progress that was
    /// announced after it. Default: whether any event is [kept](Self::kept).
    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        let _ = key;
        self.kept() > 0
    }

    /// Returns whether each emission is spread over the subscribers. Asks that arrive at about the same time
    /// are then announced to the stage as one demand, so that each subscriber receives its share in one
    /// message instead of many.
    fn spreads(&self) -> bool {
        false
    }

    /// Returns whether each event goes to every subscriber, so that the lowest demand counts.
    fn gives_to_all(&self) -> bool {
        false
    }

    /// Places a marker behind the events kept inside, to be [fired](Outbox::fire) once they are gone. A
    /// dispatcher that keeps none returns the marker, which fires it at once.
    fn mark(&mut self, marker: Marker) -> Option<Marker> {
        Some(marker)
    }

    /// Drops the events kept inside and returns their number.
    fn discard(&mut self) -> usize {
        0
    }

    /// Moves the events kept inside to the end of `into`, in an order in which they can be dispatched again.
    /// Returns the number of events dropped instead, because a subscriber already has them or none can
    /// receive them. Called when the stage ends: the events return to the stage, see
    /// [`Producer::take_back`](crate::Producer::take_back). Default: all are [dropped](Self::discard).
    fn take_kept(&mut self, into: &mut Vec<E>) -> usize {
        let _ = into;
        self.discard()
    }
}

impl<E, D: Dispatcher<E> + ?Sized> Dispatcher<E> for Box<D> {
    fn subscribe(&mut self, key: SubscriptionKey, options: DispatchOptions<E>) -> Result<(), SubscribeError> {
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

    fn keeps_for(&self, key: SubscriptionKey) -> bool {
        (**self).keeps_for(key)
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
