//! Servers in memory, with faults, for tests of pipelines and of the laws themselves.
//!
//! [`MemoryServer`] is a queue with leases, retries and dead messages. [`MemoryLog`] is a log of which a position is
//! committed. Both can go away, come back, and break connections. Times are those of tokio's clock, which a test can
//! pause.
//!
//! ```
//! use stage_connect::memory::MemoryServer;
//! use stage_connect::{PullOptions, source};
//! use stage_core::Pipeline;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MemoryServer::new();
//! server.publish(0..10);
//! let queue = server.clone();
//! let pipeline = Pipeline::builder("numbers")
//!     .start("queue", move || Ok(source::pulled(queue.queue(), PullOptions::new())))
//!     .acknowledged()
//!     .finish_fn("print", |number| println!("{number}"));
//! let running = pipeline.start().await?;
//! server.until(|counts| counts.all() == 0).await;
//! running.drain(std::time::Duration::from_secs(1)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The clients can be called one by one, and the servers go away and come back:
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use stage_connect::memory::{Fault, LogPull, LogSettle, MemoryLog, MemoryPush, MemoryQueue, MemoryServer, MemorySettle};
//! use stage_connect::{Disposition, MessageId, Pull, Push, PutError, Settle};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MemoryServer::new().with_lease(Duration::from_secs(30));
//! let mut push: MemoryPush<&str> = server.push();
//! push.connect().await?;
//! push.put(&[(MessageId::new("1"), "a"), (MessageId::new("2"), "b")]).await?;
//! assert_eq!(server.ready(), ["a", "b"]);
//!
//! let mut queue: MemoryQueue<&str> = server.queue();
//! let mut settle: MemorySettle<&str> = queue.settle_half();
//! queue.connect().await?;
//! let pulled = queue.pull(NonZeroUsize::MIN, Duration::ZERO).await?;
//! assert_eq!((server.counts().ready, server.counts().in_flight), (1, 1));
//! settle.settle(&[(pulled[0].receipt, Disposition::Dead { cause: "no ink".to_owned() })]).await?;
//! assert_eq!(server.dead(), [("a", "no ink".to_owned())]);
//!
//! server.set_room(1);
//! assert!(matches!(push.put(&[(MessageId::new("3"), "c")]).await, Err(PutError::Full { .. })));
//! server.stop();
//! assert!(queue.connect().await.is_err());
//! server.restart();
//! queue.connect().await?;
//! server.break_connections();
//! assert!(queue.pull(NonZeroUsize::MIN, Duration::ZERO).await.is_err());
//! // A client with a fault, for a test that must notice it.
//! let _faulty: MemoryQueue<&str> = server.with_fault(Fault::DropsDead).queue();
//!
//! let log = MemoryLog::new();
//! log.publish(["a", "b"]);
//! let mut partition: LogPull<&str> = log.partition();
//! let mut settle: LogSettle<&str> = partition.settle_half();
//! partition.connect().await?;
//! let pulled = partition.pull(NonZeroUsize::MIN, Duration::ZERO).await?;
//! settle.settle(&[(pulled[0].receipt, Disposition::Accept)]).await?;
//! assert_eq!((log.counts().ready, log.counts().in_flight, log.dead().len()), (1, 0, 0));
//! log.stop();
//! assert!(partition.connect().await.is_err());
//! log.restart();
//! partition.connect().await?;
//! log.break_connections();
//! assert!(partition.pull(NonZeroUsize::MIN, Duration::ZERO).await.is_err());
//! # Ok(())
//! # }
//! ```

mod fault;
mod laws;
mod log;
mod queue;
mod server;
mod state;
mod store;
mod switch;

pub use fault::Fault;
pub use log::{LogPull, LogSettle, MemoryLog};
pub use queue::{MemoryQueue, MemorySettle};
pub use server::MemoryServer;
pub use store::MemoryPush;
