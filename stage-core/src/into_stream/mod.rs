//! Gives pull access to the events of stages: as a `Stream`, or as a blocking iterator.
//!
//! ```
//! use futures_util::{StreamExt, TryStreamExt};
//! use stage_core::spawn::{StageOptions, producer};
//! use stage_core::stage::FromIter;
//! use stage_core::SubscribeOptions;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let numbers = producer(FromIter::new(1_u64..), StageOptions::named("numbers")).await?;
//! let demand = SubscribeOptions::new().max_demand(10);
//! let first: Vec<u64> = numbers.producer().stream(demand)?.take(5).try_collect().await?;
//! assert_eq!(first, [1, 2, 3, 4, 5]);
//! // The stream is dropped; events it had not taken went back to the producer, so nothing is lost.
//! let next: Vec<u64> = numbers.producer().stream(SubscribeOptions::new())?.take(3).try_collect().await?;
//! assert_eq!(next, [6, 7, 8]);
//! # Ok(())
//! # }
//! ```

mod blocking;
mod feed;
mod may_block;
mod pipeline;
mod stream;

pub use blocking::BlockingEvents;
pub use may_block::{BlockingRefused, check_may_block};
pub use pipeline::OpenPipeline;
pub use stream::{EventStream, StreamError};
