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
