//! Kafka topics as sources and sinks of acknowledged pipelines.
//!
//! ```text
//!   topic ──▶ KafkaPull ══ Delivery<KafkaMessage> ═▶ steps ═▶ KafkaPush ──acks=all──▶ topic
//!     ▲           ▲ again, from memory            │
//!     └── commit ─┴── KafkaSettle ◀───────────────┘
//! ```
//!
//! * [`Server`] holds the addresses and the settings of the client, librdkafka.
//! * [`KafkaPull`] reads a topic as a member of a consumer group.
//! * [`KafkaPush`] produces idempotently, and waits until all replicas in sync have stored a message.
//!
//! Kafka takes no acknowledgement of a single message, only a position per partition. The books of this crate
//! (`books.rs`) know each message that is open, and the position that is committed is never behind an open one: so a
//! message that waits for a retry is delivered again after a crash, with the messages behind it. While there is no
//! demand, partitions are paused. Before a partition goes to another member of the group, its open messages are waited
//! for, and their positions are committed.
//!
//! ```no_run
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_kafka::{KafkaPull, ReadOptions, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("127.0.0.1:9092");
//! let pipeline = Pipeline::builder("billing")
//!     .start("orders", move || {
//!         let options = ReadOptions::new("orders", "billing");
//!         Ok(source::pulled(KafkaPull::new(server.clone(), options), PullOptions::new()))
//!     })
//!     .acknowledged()
//!     .finish_fn("print", |order| println!("{}: {:?}", order.offset, order.payload));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `tls`: encrypted connections, and SASL over them, by OpenSSL, whose headers must be installed.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod books;
mod error;
mod group;
mod member;
mod message;
mod options;
mod producing;
mod pull;
mod push;
mod server;
mod settle;

pub use message::{KafkaMessage, Outgoing};
pub use options::{ProduceOptions, ReadOptions, StartAt};
pub use pull::{KafkaPull, Receipt};
pub use push::KafkaPush;
pub use server::Server;
pub use settle::KafkaSettle;
