//! RabbitMQ queues as sources and sinks of acknowledged pipelines.
//!
//! ```text
//!   queue ──prefetch n──▶ RabbitPull ══ Delivery<RabbitMessage> ═▶ steps ═▶ RabbitPush ──confirmed──▶ exchange
//!     ▲                                                     │
//!     └── ack, requeue, QUEUE.retry.MS, QUEUE.dead ◀── RabbitSettle
//! ```
//!
//! * [`Server`] holds the address, the credentials and the TLS settings.
//! * [`RabbitPull`] consumes from a queue exactly as many messages as there is demand for.
//! * [`RabbitPush`] publishes to an exchange or a queue, and waits for the confirms of the server.
//!
//! A message that failed waits in a queue of its own until its delay has passed, and its attempts are counted in a
//! header, so any process can take it. The connection is closed at the first failure and opened again by the pipeline,
//! with its back-off; the server then delivers the messages again that were not acknowledged.
//!
//! ```no_run
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_rabbitmq::{RabbitPull, ReadOptions, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("amqp://127.0.0.1:5672")?.credentials("app", "secret");
//! let pipeline = Pipeline::builder("billing")
//!     .start("orders", move || {
//!         Ok(source::pulled(RabbitPull::new(server.clone(), ReadOptions::new("orders")), PullOptions::new()))
//!     })
//!     .acknowledged()
//!     .finish_fn("print", |order| println!("{}: {:?}", order.routing_key, order.payload));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `tls`: encrypted connections (`amqps://`) by rustls with ring and the authorities of the system.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod message;
mod options;
mod publish;
mod pull;
mod push;
mod read;
mod server;
mod session;
mod settle;
mod tags;

pub use lapin::BasicProperties;
pub use message::{Outgoing, RabbitMessage};
pub use options::{PublishOptions, QueueKind, ReadOptions};
pub use pull::RabbitPull;
pub use push::RabbitPush;
pub use server::Server;
pub use settle::{RabbitSettle, Receipt};
