//! NATS JetStream as a source and a sink of acknowledged pipelines.
//!
//! ```text
//!   stream ──next n──▶ NatsPull ══ Delivery<NatsMessage> ═▶ steps ═▶ NatsPush ──publish with id──▶ stream
//!     ▲                                                 │
//!     └── ack, nak, term, in progress ◀── NatsSettle ◀──┘
//! ```
//!
//! * [`Server`] holds the addresses, the credentials and the TLS settings.
//! * [`NatsPull`] asks a durable consumer for exactly as many messages as there is demand for.
//! * [`NatsPush`] publishes with message ids and waits for the acknowledgements of the stream.
//!
//! Every report to the server is confirmed by it, so a lost one is repeated. The connection is closed at the first sign
//! of a failure and opened again by the pipeline, with its back-off.
//!
//! ```no_run
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_nats::{NatsPull, ReadOptions, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("nats://127.0.0.1:4222")?.credentials("app", "secret");
//! server.create_stream("ORDERS", &["orders.>"]).await?;
//! let pipeline = Pipeline::builder("billing")
//!     .start("orders", move || {
//!         let options = ReadOptions::new("ORDERS", "billing");
//!         Ok(source::pulled(NatsPull::new(server.clone(), options), PullOptions::new()))
//!     })
//!     .acknowledged()
//!     .finish_fn("print", |order| println!("{}: {:?}", order.subject, order.payload));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//! # Features
//!
//! * `edge`: JetStream as the server of an edge between machines ([`edge`]).
//! * `nkeys`: credentials that sign.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod consumer;
#[cfg(feature = "edge")]
pub mod edge;
mod error;
mod feed;
mod inbox;
mod link;
mod message;
mod options;
mod pull;
mod push;
mod read;
mod report;
mod requests;
mod server;
mod settle;

pub use async_nats::{ConnectOptions, HeaderMap};
pub use message::{NatsMessage, Outgoing};
pub use options::{DeliverFrom, PublishOptions, ReadOptions};
pub use pull::NatsPull;
pub use push::NatsPush;
pub use server::Server;
pub use settle::{NatsSettle, Receipt};
