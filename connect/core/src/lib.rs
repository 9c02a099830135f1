//! Connectors to brokers, databases and services: three traits, and one set of laws that all connectors keep.
//!
//! ```text
//!   server ──▶ Pull ══ Delivery<T> ═▶ steps ══ Delivery<U> ═▶ Push ──▶ server
//!     ▲                                                        │ stored: acknowledged
//!     └── Settle ◀── batches of dispositions ◀── collector ◀───┘
//! ```
//!
//! * [`Pull`] receives messages on demand, each with a receipt.
//! * [`Settle`] reports a [`Disposition`] for each receipt and renews leases.
//! * [`Push`] stores messages under ids, so that a repetition is recognised.
//!
//! A connector describes one server. Back-off, reconnection, batches of acknowledgements, lease renewal, the
//! order of acknowledgements and dead letters are the same for all of them and live here.
#![forbid(unsafe_code)]

mod acks;
mod disposition;
mod error;
mod message_id;
mod pull;
mod push;
mod settle;

pub use acks::Acks;
pub use disposition::Disposition;
pub use error::{ConnectError, ErrorKind};
pub use message_id::MessageId;
pub use pull::{Pull, Pulled};
pub use push::{Push, PutError};
pub use settle::Settle;
