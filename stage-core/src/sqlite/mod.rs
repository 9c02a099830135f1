//! A queue in an SQLite file that survives whatever its pipeline does not.
//!
//! Jobs are leased, not taken out: a job leaves the queue when it is acknowledged. One whose process dies is
//! delivered again when its lease has run out; one that fails is delivered again after a delay; one that failed
//! too often is set aside as dead. Several processes may work on one file.
//!
//! ```text
//!   enqueue ─▶ waiting ──lease──▶ leased ──acknowledge──▶ gone
//!                ▲ ▲                │ │
//!                │ └── lease ran out┘ ├── reject, attempts left: waiting again, after a delay
//!                └──────────────────────┤
//!                                       └── reject, hopeless or once too often ──▶ dead
//! ```
//!
//! 1. A job that was enqueued is in the file, waiting or leased, until it is acknowledged or dead.
//! 2. A job is leased to one source at a time, unless its lease ran out: then the old lease can settle nothing
//!    once the job is leased anew.
//! 3. Of the jobs of one key only the earliest can be leased: while it is leased or waits to be tried again, the
//!    later ones wait behind it.
//! 4. Attempts are counted when a job is leased, so that a job which kills its process is dead at last too. A stop
//!    does not count.
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::sqlite::{NewJob, Queue, QueueOptions};
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

mod acknowledger;
mod error;
mod job;
mod options;
mod queue;
mod source;
mod statements;
mod table;

pub use error::QueueError;
pub use job::{Counts, DeadJob, Job, JobId, NewJob, Receipt};
pub use options::{QueueOptions, Synchronous};
pub use queue::Queue;
pub use source::Source;
pub use table::{Lease, Return, Table};
