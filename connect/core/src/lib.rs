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
//! # A connector
//!
//! A connector implements the three traits for its server; here it is a queue in this process:
//!
//! ```
//! use std::borrow::Cow;
//! use std::collections::VecDeque;
//! use std::num::NonZeroUsize;
//! use std::sync::{Arc, Mutex, MutexGuard};
//! use std::time::Duration;
//!
//! use stage_connect::{Acks, ConnectError, Disposition, MessageId, Pull, PullOptions, Pulled, Push, PushOptions};
//! use stage_connect::{PutError, Settle, sink, source};
//! use stage_core::Pipeline;
//!
//! #[derive(Clone, Default)]
//! struct Queue(Arc<Mutex<State>>);
//!
//! #[derive(Default)]
//! struct State {
//!     waiting: VecDeque<u64>,
//!     in_hand: usize,
//! }
//!
//! impl Queue {
//!     fn state(&self) -> MutexGuard<'_, State> {
//!         self.0.lock().expect("no holder panics")
//!     }
//! }
//!
//! impl Pull for Queue {
//!     type Message = u64;
//!     type Receipt = u64;
//!     type Settle = Self;
//!
//!     const ACKS: Acks = Acks::Each;
//!
//!     async fn connect(&mut self) -> Result<(), ConnectError> {
//!         Ok(())
//!     }
//!
//!     fn settle_half(&mut self) -> Self {
//!         self.clone()
//!     }
//!
//!     async fn pull(&mut self, at_most: NonZeroUsize, _: Duration) -> Result<Vec<Pulled<u64, u64>>, ConnectError> {
//!         let mut state = self.state();
//!         let count = at_most.get().min(state.waiting.len());
//!         state.in_hand += count;
//!         let pulled = |number| Pulled { message: number, receipt: number, attempt: 1 };
//!         Ok(state.waiting.drain(..count).map(pulled).collect())
//!     }
//!
//!     fn is_finished(&self) -> bool {
//!         self.state().waiting.is_empty() && self.state().in_hand == 0
//!     }
//!
//!     fn header<'a>(_: &'a u64, _: &str) -> Option<Cow<'a, str>> {
//!         None
//!     }
//!
//!     fn describe(&self) -> String {
//!         "queue of numbers".to_owned()
//!     }
//! }
//!
//! impl Settle for Queue {
//!     type Receipt = u64;
//!
//!     async fn settle(&mut self, settled: &[(u64, Disposition)]) -> Result<(), ConnectError> {
//!         let mut state = self.state();
//!         for (number, disposition) in settled {
//!             state.in_hand -= 1;
//!             match disposition {
//!                 Disposition::Accept => {}
//!                 Disposition::Release | Disposition::Retry { .. } => state.waiting.push_back(*number),
//!                 Disposition::Dead { cause } => println!("{number} is dead: {cause}"),
//!             }
//!         }
//!         Ok(())
//!     }
//!
//!     async fn extend(&mut self, _: &[u64]) -> Result<(), ConnectError> {
//!         Ok(())
//!     }
//!
//!     fn lease(&self) -> Option<Duration> {
//!         // A queue in this process leases nothing.
//!         None
//!     }
//!
//!     async fn finish(&mut self) -> Result<(), ConnectError> {
//!         Ok(())
//!     }
//! }
//!
//! impl Push for Queue {
//!     type Message = u64;
//!
//!     async fn connect(&mut self) -> Result<(), ConnectError> {
//!         Ok(())
//!     }
//!
//!     async fn put(&mut self, messages: &[(MessageId, u64)]) -> Result<usize, PutError> {
//!         self.state().waiting.extend(messages.iter().map(|(_, number)| *number));
//!         Ok(messages.len())
//!     }
//!
//!     fn set_header(_: &mut u64, _: &str, _: &str) {}
//!
//!     fn describe(&self) -> String {
//!         "queue of numbers".to_owned()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (from, to) = (Queue::default(), Queue::default());
//! from.state().waiting.extend(0..5);
//! let stored = to.clone();
//! let pipeline = Pipeline::builder("doubled")
//!     .start("from", move || Ok(source::pulled(from.clone(), PullOptions::new())))
//!     .acknowledged()
//!     .step_fn("double", |number| number * 2)
//!     .finish("to", move || Ok(sink::pushed(to.clone(), PushOptions::new())));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.settlement.acknowledged, 5);
//! assert_eq!(stored.state().waiting, [0, 2, 4, 6, 8]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `testing`: a server in memory with faults (`memory`), and the laws of connectors (`laws`), for tests.
//! * `trace`: deliveries continue the traces of messages that carry the context of one.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acks;
mod call_limits;
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
    pub use crate::source::shared::ending;
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
