//! Connectors to brokers, databases and services: three traits, and one set of laws that all connectors keep.
//!
//! ```text
//!   server ──▶ Pull ══ Delivery<T> ═▶ steps ══ Delivery<U> ═▶ Push ──▶ server
//!     ▲                                                        │ stored: acknowledged
//!     └── Settle ◀── batches of dispositions ◀── collector ◀───┘
//! ```
//!
//! * [`Pull`] receives messages on demand, each with a receipt. [`source::pulled`] makes a source of it.
//! * [`Settle`] reports a [`Disposition`] for each receipt and renews leases.
//! * [`Push`] stores messages under ids, so that a repetition is recognised. [`sink::pushed`] makes a sink of it.
//!
//! A connector describes one server. Back-off, reconnection, batches of acknowledgements, lease renewal, the
//! order of acknowledgements and dead letters are the same for all of them and live here.
//!
//! # Features
//!
//! * `testing`: a server in memory with faults (`memory`), and the laws of connectors (`laws`), for tests.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acks;
mod disposition;
mod error;
#[cfg(feature = "testing")]
pub mod laws;
#[cfg(feature = "testing")]
pub mod memory;
mod message_id;
mod one_line;
mod outage;
mod prefix;
mod pull;
mod pull_options;
mod push;
mod push_options;
mod queue_watch;
mod settle;
pub mod sink;
pub mod source;
#[cfg(feature = "trace")]
mod trace;

/// Parts that connectors of this workspace share. Not a public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::outage::{Outage, answer, random};
    pub use crate::source::ending;
}

pub use acks::Acks;
pub use disposition::Disposition;
pub use error::{ConnectError, ErrorKind};
pub use message_id::MessageId;
pub use pull::{Pull, Pulled};
pub use pull_options::PullOptions;
pub use push::{Push, PutError};
pub use push_options::PushOptions;
pub use queue_watch::QueueWatch;
pub use settle::Settle;
