//! Who gets which events: pure decisions, sent by nobody here.
//!
//! A `Dispatcher` keeps what each subscriber asked for, and writes "these events to that subscription"
//! into an `Outbox`. Only the engine sends. The laws every dispatcher keeps:
//!
//! * **D1** delivered ≤ asked, per subscription, at every step;
//! * **D2** delivered, kept inside and left over together are the input, and each subscription's events
//!   keep their order;
//! * **D3** `wanted()` more events are always taken in by the next dispatch;
//! * **D4** nothing is addressed to a subscription that was cancelled;
//! * **D5** what a dispatcher keeps inside is at most what its subscribers asked for together.

mod demand;
mod dispatcher;
mod hub;
mod outbox;
mod partition;
mod stable_hash;

pub(crate) use demand::DemandDispatcher;
pub(crate) use dispatcher::{Dispatcher, SubscriptionKey};
pub(crate) use hub::Hub;
pub(crate) use outbox::{Delivery, Outbox};
pub(crate) use partition::PartitionDispatcher;
pub(crate) use stable_hash::stable_hash;

pub use crate::subscriber::{PartitionName, Selector, SubscriberOptions};
