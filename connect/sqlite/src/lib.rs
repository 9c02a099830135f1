//! A durable job queue in an SQLite file; jobs survive the end of their pipeline and process.
//!
//! Jobs are leased, not taken out: a job leaves the queue when it is acknowledged. If its process dies, it is
//! delivered again after its lease has run out. If it fails, it is delivered again after a delay. If it fails
//! too often, it is set aside as dead. Several processes may share one file.
//!
//! ```text
//!   enqueue ─▶ waiting ──lease──▶ leased ──acknowledge──▶ gone
//!                ▲ ▲                │ │
//!                │ └─ lease ran out ┘ ├── reject, attempts left: waiting again, after a delay
//!                └──────────────────────┤
//!                                       └── reject, hopeless or once too often ──▶ dead
//! ```
//!
//! 1. An enqueued job stays in the file, waiting or leased, until it is acknowledged or dead.
//! 2. A job is leased to one source at a time, unless its lease ran out: then the old lease can settle
//!    nothing once the job is leased again.
//! 3. Of the jobs with the same key, only the earliest can be leased: while it is leased or waits for a
//!    retry, the later ones wait behind it.
//! 4. A job is dead only if it was rejected as hopeless, or after as many failed attempts as the options allow. An
//!    attempt begins when a handler first looks at the job. It fails if a handler holds the job without
//!    acknowledging it, or if the lease runs out while it is the only job of its process. It does not count if
//!    nothing failed: after a stop, when a consumer left, when the process was killed before a handler looked at
//!    the job, or when the lease ran out together with others.
//! 5. After its lease ran out, and on the last of several attempts, a job is leased alone: its process holds
//!    no other job in the meantime. A job that kills its process therefore affects no other job.
//! 6. A job without a delay can be leased whatever the clock shows. If the clock was set back, all times in
//!    the file are set back with it; if it leaps forward, the processes that notice renew all leases.
//!
//! The queue is a connector as well ([`Queue::pull`], [`Queue::push`]), which keeps the laws of `stage-connect`.
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_sqlite::{NewJob, Queue, QueueOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("jobs.db");
//! let queue = Queue::open(path, QueueOptions::new()).await?;
//! queue.enqueue([NewJob::new("one"), NewJob::new("two").key("user 7")]).await?;
//!
//! let source = queue.clone();
//! let pipeline = Pipeline::builder("jobs")
//!     .start("queue", move || Ok(source.source().until_empty()))
//!     .acknowledged()
//!     .finish_fn("print", |job| println!("{}", String::from_utf8_lossy(&job.payload)));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.settlement.acknowledged, 2);
//! assert_eq!(queue.counts().await?.all(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `edge`: a file as the server of an edge between processes, the module `edge`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod acknowledger;
mod begun;
#[cfg(feature = "edge")]
pub mod edge;
mod error;
mod job;
mod leased;
mod leasing;
mod look;
mod options;
mod pull;
mod push;
mod queue;
mod settle;
mod source;
mod statements;
mod table;
mod time;
mod watched;

pub use error::QueueError;
pub use job::{Counts, DeadJob, Job, JobId, NewJob, Receipt};
pub use options::{QueueOptions, Synchronous};
pub use pull::QueuePull;
pub use push::QueuePush;
pub use queue::Queue;
pub use settle::QueueSettle;
pub use source::Source;
pub use stage_connect::QueueWatch;
pub use table::{Lease, Return, Table};
