//! What every dispatcher does, and the laws it keeps (see the folder's documentation).

use super::Outbox;
use crate::demand::Demand;
use crate::error::SubscribeError;
use crate::subscriber::SubscriberOptions;

/// One subscription, as its producer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubscriptionKey(pub(crate) usize);

/// Decides which subscriber gets which events.
pub(crate) trait Dispatcher<E>: Send {
    /// Takes a subscriber in; it wants nothing until it asks.
    fn subscribe(
        &mut self,
        key: SubscriptionKey,
        options: SubscriberOptions<E>,
    ) -> Result<(), SubscribeError>;

    /// Forgets a subscriber and what it still wanted.
    fn cancel(&mut self, key: SubscriptionKey);

    /// Forgets a subscriber that wants nothing ever again, and that nobody will take the place of.
    fn finish(&mut self, key: SubscriptionKey, outbox: &mut Outbox<E>);

    /// Events that `key` did not receive come back, before it is cancelled; takes those that only its
    /// place can get.
    fn take_back(&mut self, key: SubscriptionKey, events: &mut Vec<E>);

    /// Adds to what a subscriber wants; may hand out what the dispatcher kept for it.
    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>);

    /// Hands out `events` from the front; what nobody wants stays in `events`.
    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>);

    /// How many more events the next dispatch would take in.
    fn wanted(&self) -> usize;

    /// How many events the dispatcher keeps inside.
    fn kept(&self) -> usize;

    /// Forgets the events it keeps inside; says how many there were.
    fn discard(&mut self) -> usize;
}
