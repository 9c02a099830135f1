//! Who gets which events: pure decisions, sent by nobody here.
//!
//! A [`Dispatcher`] keeps what each subscriber asked for, and writes "these events to that subscription"
//! into an [`Outbox`]. Only the engine sends.
//!
//! ```text
//!            ask ─────────▶ ┌────────────┐
//!  subscribe, cancel ─────▶ │ Dispatcher │ ──▶ Outbox: events for a subscription, fired markers, notices
//!         events ─────────▶ └────────────┘
//!  what nobody wants ◀───────────┘   behind it the engine's buffer
//! ```
//!
//! | Dispatcher | An event goes to |
//! |---|---|
//! | [`DemandDispatcher`] | the subscriber that wants most |
//! | [`BroadcastDispatcher`] | every subscriber whose selector takes it |
//! | [`PartitionDispatcher`] | the one subscriber of its partition |
//! | [`FairDispatcher`] | the subscriber with the fewest events outstanding |
//! | [`TenantDispatcher`] | as under fair; the event itself is chosen from the tenants in turn |
//! | [`GroupDispatcher`] | every group of subscribers, or one; in the group, as its own dispatcher decides |
//! | [`WeightedDispatcher`] | the subscribers in proportion to their weights |
//!
//! # Laws
//!
//! Every dispatcher keeps them; property tests check them over random histories.
//!
//! * **D1** Delivered ≤ asked, per subscription, at every step.
//! * **D2** Delivered, kept inside, left over, and dropped (by decision or counted as discarded) together
//!   are the input, and each subscription's events keep their order. A broadcast delivers the input to
//!   each subscriber.
//! * **D3** [`wanted`](Dispatcher::wanted) more events are always taken in by the next dispatch, and what
//!   is taken in comes from the front.
//! * **D4** Nothing is addressed to a subscription that was cancelled.
//! * **D5** It takes an event in to keep it only while it keeps fewer than its subscribers want together
//!   (and a bound of its own that it documents): windows bound what waits here.
//! * **D6** A marker fires once, when every event that was kept before it has been delivered or discarded.

mod broadcast;
mod demand;
mod dispatcher;
mod fair;
mod group;
mod guard;
mod key;
mod marker;
mod members;
mod notice;
mod outbox;
mod partition;
mod partitions;
mod stable_hash;
pub(crate) mod subscriber_options;
pub(crate) mod supply;
pub(crate) mod tables;
mod tenant;
mod weighted;

pub(crate) use outbox::Delivery;
pub(crate) use supply::hub::Hub;
pub(crate) use supply::marked_queue::MarkedQueue;

pub use broadcast::BroadcastDispatcher;
pub use demand::DemandDispatcher;
pub use dispatcher::Dispatcher;
pub use fair::FairDispatcher;
pub use group::{Group, GroupDispatcher};
pub use key::SubscriptionKey;
pub use marker::Marker;
pub use notice::Notice;
pub use outbox::Outbox;
pub use partition::PartitionDispatcher;
pub use partitions::{PartitionError, Partitions};
pub use stable_hash::stable_hash;
pub use tenant::{TenantDispatcher, TenantQueues};
pub use weighted::WeightedDispatcher;

pub use crate::base::partition_name::PartitionName;
pub use subscriber_options::{Selector, SubscriberOptions};
