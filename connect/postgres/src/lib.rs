//! PostgreSQL for stage-core's pipelines: a durable queue, a batched sink and a transactional outbox.
//!
//! ```text
//!   Queue ══ Delivery<Job> ═▶ steps ══ Delivery<Row> ═▶ TableSink ──▶ table
//!     ▲ ▲                                                  │ committed: acknowledged
//!     │ └────────────── verdicts, in batches ◀─────────────┘
//!     └── your transaction: rows and jobs, or an Outbox
//! ```
//!
//! * [`Queue`]: a table of jobs that any number of processes on any number of machines share. Jobs are leased, in order
//!   per key, by priority and after delays; those that fail for good are kept as dead.
//! * [`TableSink`]: many rows in one statement, acknowledged after the commit.
//! * [`Outbox`]: messages that appear with the transaction that they tell of, published by a pipeline.
//!
//! 1. An enqueued job stays in the table, waiting or leased, until it is acknowledged or dead.
//! 2. A job is leased to one source at a time, unless its lease ran out: then the old lease can settle nothing once the
//!    job is leased again.
//! 3. Of the jobs with the same key, only the earliest can be leased: while it is leased or waits for a retry, the later
//!    ones wait behind it. Of jobs whose transactions overlap, the one that commits first is the earlier one.
//! 4. After its lease ran out, a job is leased alone: its process holds no other job meanwhile. The lease counts as an
//!    attempt only if the job was the last one of its process, so a job that kills its process affects no other.
//! 5. All times are those of the server's clock.
//! 6. A notification only wakes: the table is the truth, and a lost notification costs one poll.
//!
//! ```no_run
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//! use stage_postgres::{NewJob, Queue, QueueOptions, Server};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let queue = Queue::new(Server::new("postgres://app:secret@localhost/shop")?, QueueOptions::new())?;
//! queue.setup().await?;
//! queue.enqueue([NewJob::new("one"), NewJob::new("two").key("user 7")]).await?;
//!
//! let pipeline = Pipeline::builder("jobs")
//!     .start("queue", move || Ok(source::pulled(queue.pull().until_empty(), PullOptions::new())))
//!     .acknowledged()
//!     .finish_fn("print", |job| println!("{}", String::from_utf8_lossy(&job.payload)));
//! pipeline.start().await?.join().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `edge`: a database as the server of an edge between machines, the module `edge`.
//! * `tls`: encrypted connections by rustls with ring (`Server::tls`).
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "edge")]
pub mod edge;
mod error;
mod link;
mod outbox;
mod queue;
mod server;
mod sink;

pub use outbox::{Outbox, OutboxPull, Outgoing};
pub use queue::{Counts, DeadJob, Job, JobId, NewJob, Queue, QueueOptions, QueuePull, QueueSettle, Receipt};
pub use server::Server;
pub use sink::{Row, TableSink};
pub use stage_connect::QueueWatch;
pub use tokio_postgres::types::ToSql;
