//! Redis streams as sources and sinks of acknowledged pipelines.
//!
//! ```text
//!   stream ──XREADGROUP──▶ RedisPull ══ Delivery<Entry> ═▶ steps ═▶ RedisPush ──XADD──▶ stream
//!     ▲  ▲                                                │
//!     │  └─ XAUTOCLAIM: entries of consumers that ended   │
//!     └──── XACK, or a dead letter ◀── RedisSettle ◀──────┘
//! ```
//!
//! * [`Server`] holds the address and the credentials.
//! * [`RedisPull`] reads a stream as one consumer of a group. An entry that a consumer has received belongs to it for
//!   the [lease](ReadOptions::lease), which is renewed while the entry is in hand. After the end of the lease, another
//!   consumer receives the entry.
//! * [`RedisPush`] appends entries to a stream.
//!
//! Redis 7.0 or Valkey is needed. Entries, attempts and leases are kept by the server, so processes may come and go.
//! The verdicts are written by scripts, which the server runs as one operation each: a dead letter is appended to its
//! stream if, and only if, the entry is acknowledged by the same script.
//!
//! ```no_run
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_redis::{ReadOptions, RedisPull, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("redis://127.0.0.1:6379")?.credentials("app", "secret")?;
//! let pipeline = Pipeline::builder("billing")
//!     .start("orders", move || {
//!         let options = ReadOptions::new("orders", "billing").dead_letters("orders:dead");
//!         Ok(source::pulled(RedisPull::new(server.clone(), options), PullOptions::new()))
//!     })
//!     .acknowledged()
//!     .finish_fn("print", |order| println!("{}: {:?}", order.id, order.fields.get("payload")));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `tls`: encrypted connections (`rediss://`) by rustls with ring.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod entry;
mod error;
mod options;
mod pull;
mod push;
mod reply;
mod script;
mod server;
mod settle;

pub use entry::{Entry, Fields};
pub use options::{Append, Limit, ReadOptions, StartAt};
pub use pull::RedisPull;
pub use push::RedisPush;
pub use server::Server;
pub use settle::{Receipt, RedisSettle};
