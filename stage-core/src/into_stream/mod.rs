//! Gives pull access to the events of stages: as a `Stream`, or as a blocking iterator.
//!
//! ```
//! use futures_util::{StreamExt, TryStreamExt};
//! use stage_core::spawn::{StageOptions, producer};
//! use stage_core::stage::FromIter;
//! use stage_core::SubscribeOptions;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
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
//!
//! The events of several stages form one stream, and the end of a pipeline may be one, too:
//!
//! ```
//! use futures_util::TryStreamExt;
//! use stage_core::into_stream::{BlockingRefused, EventStream, OpenPipeline, StreamError, check_may_block};
//! use stage_core::spawn::{StageOptions, producer};
//! use stage_core::stage::FromIter;
//! use stage_core::{Pipeline, SubscribeOptions, Tuning, Window};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let low = producer(FromIter::new(0..10), StageOptions::named("low")).await?;
//! let high = producer(FromIter::new(10..20), StageOptions::named("high")).await?;
//! let producers = [low.producer(), high.producer()].map(|producer| (producer, SubscribeOptions::new()));
//! let mut events: EventStream<i32> = EventStream::over(producers)?;
//! events.connect();
//! assert_eq!(events.try_collect::<Vec<_>>().await?.iter().sum::<i32>(), 190);
//!
//! let pipeline: OpenPipeline<i32> =
//!     Pipeline::builder("tens").start_fn("tens", || Ok([10, 20])).open(Window::with_max(4)?).demand(Tuning::Auto);
//! assert_eq!(pipeline.topology().name, "tens");
//! let (running, events) = pipeline.start().await?;
//! assert_eq!(events.try_collect::<Vec<_>>().await?, [10, 20]);
//! running.join().await?;
//!
//! // A window that cannot work is refused, and so is a blocking call in async code.
//! let refused = low.producer().stream(SubscribeOptions::new().max_demand(0));
//! assert!(matches!(refused, Err(StreamError::Options { .. })));
//! assert_eq!(check_may_block(), Err::<(), BlockingRefused>(check_may_block().unwrap_err()));
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
