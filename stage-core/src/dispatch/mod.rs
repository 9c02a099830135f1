//! Dispatchers: pure decisions about which subscriber receives which events.
//!
//! A [`Dispatcher`] tracks the demand of each subscriber, and writes deliveries (events, and the subscription
//! they go to) into an [`Outbox`]. Only the engine sends.
//!
//! ```text
//!            ask ─────────▶ ┌────────────┐
//!  subscribe, cancel ─────▶ │ Dispatcher │ ──▶ Outbox: events for a subscription, fired markers, warnings
//!         events ─────────▶ └────────────┘
//!    unwanted events ◀───────────┘   behind it the engine's buffer
//! ```
//!
//! | Dispatcher | An event goes to |
//! |---|---|
//! | [`DemandDispatcher`] | the subscriber with the most demand |
//! | [`BroadcastDispatcher`] | every subscriber whose selector accepts it |
//! | [`PartitionDispatcher`] | the one subscriber of its partition |
//! | [`FairDispatcher`] | the subscriber with the fewest events outstanding |
//! | [`TenantDispatcher`] | as under fair; the tenants take turns in supplying the event |
//! | [`GroupDispatcher`] | every group of subscribers, or one; within the group, its own dispatcher decides |
//! | [`WeightedDispatcher`] | the subscribers in proportion to their weights |
//!
//! # Laws
//!
//! All dispatchers keep these laws; property tests check them on random histories.
//!
//! * **D1** Delivered ≤ asked, per subscription, at every step.
//! * **D2** The events delivered, kept inside, left over, and dropped (by decision, or counted as discarded)
//!   together are the input, and each subscription receives its events in order. A broadcast delivers the
//!   input to each subscriber.
//! * **D3** The next dispatch always takes in [`wanted`](Dispatcher::wanted) more events, from the front.
//! * **D4** Nothing is addressed to a cancelled subscription.
//! * **D5** An event is taken in to be kept only while fewer events are kept than the subscribers together
//!   want (plus a documented limit of the dispatcher's own): windows limit the events that wait here.
//! * **D6** A marker fires once, when every event kept before it has been delivered or discarded.
//! * **D7** When [`keeps_for`](Dispatcher::keeps_for) a subscription is false, none of the events kept inside
//!   will go to it.

pub(crate) mod any_dispatcher;
mod asides;
mod broadcast;
mod demand;
mod dispatcher;
mod fair;
mod group;
mod guard;
mod key;
mod marker;
mod members;
pub(crate) mod options;
mod outbox;
mod partition;
mod partitions;
mod stable_hash;
pub(crate) mod supply;
pub(crate) mod tables;
mod tenant;
mod warning;
mod weighted;

pub(crate) use any_dispatcher::AnyDispatcher;
pub(crate) use asides::Asides;
pub(crate) use outbox::Delivery;
pub(crate) use supply::Supply;
pub(crate) use supply::marked_queue::MarkedQueue;

pub use broadcast::BroadcastDispatcher;
pub use demand::DemandDispatcher;
pub use dispatcher::Dispatcher;
pub use fair::FairDispatcher;
pub use group::{GroupDispatcher, SubscriberGroup};
pub use key::SubscriptionKey;
pub use marker::Marker;
pub use outbox::Outbox;
pub use partition::PartitionDispatcher;
pub(crate) use partition::{Deal, Dealt, copy_of};
pub use partitions::{PartitionError, Partitions};
pub use stable_hash::stable_hash;
pub use tenant::{TenantDispatcher, TenantQueues};
pub use warning::DispatchWarning;
pub use weighted::WeightedDispatcher;

pub use crate::base::partition_name::PartitionName;
pub use options::{DispatchOptions, Selector};
