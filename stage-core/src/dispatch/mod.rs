//! Who gets which events: pure decisions, sent by nobody here.
//!
//! A [`Dispatcher`] keeps what each subscriber asked for, and writes "these events to that subscription"
//! into an [`Outbox`]. Only the engine sends. The laws every dispatcher keeps:
//!
//! * **D1** delivered ≤ asked, per subscription, at every step;
//! * **D2** delivered, kept inside and left over together are the input, and each subscription's events
//!   keep their order;
//! * **D3** [`wanted`](Dispatcher::wanted) more events are always taken in by the next dispatch;
//! * **D4** nothing is addressed to a subscription that was cancelled;
//! * **D5** what a dispatcher keeps inside is at most what its subscribers asked for together.

mod demand;
mod hub;
mod outbox;
mod partition;
mod stable_hash;

pub(crate) use demand::DemandDispatcher;
pub(crate) use hub::Hub;
pub(crate) use outbox::{Delivery, Outbox};
pub(crate) use partition::PartitionDispatcher;
pub(crate) use stable_hash::stable_hash;

use crate::demand::Demand;
use crate::error::SubscribeError;

/// One subscription, as its producer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubscriptionKey(pub(crate) usize);

/// Decides which subscriber gets which events.
pub(crate) trait Dispatcher<E>: Send {
    /// Takes a subscriber in; it wants nothing until it asks.
    fn subscribe(&mut self, key: SubscriptionKey, partition: Option<usize>) -> Result<(), SubscribeError>;

    /// Forgets a subscriber and what it still wanted.
    fn cancel(&mut self, key: SubscriptionKey);

    /// Adds to what a subscriber wants; may hand out what the dispatcher kept for it.
    fn ask(&mut self, key: SubscriptionKey, demand: Demand, outbox: &mut Outbox<E>);

    /// Hands out `events` from the front; what nobody wants stays in `events`.
    fn dispatch(&mut self, events: &mut Vec<E>, outbox: &mut Outbox<E>);

    /// How many more events the next dispatch would take in.
    fn wanted(&self) -> usize;

    /// How many events the dispatcher keeps inside.
    fn kept(&self) -> usize;
}
