//! stage-core stages as parts of a flow: as its source, between two layers, and at its end.
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::stages::{ConsumerRestart, Feeding, FinishOptions, OnError, Order, Through};
//! use flow::{Flow, StartOptions};
//! use stage_core::registry::Registry;
//! use stage_core::spawn::{StageOptions, consumer, producer_consumer};
//! use stage_core::stage::{ForEach, MapEach};
//! use stage_core::{Intensity, SubscribeOptions, Tuning};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! // Stages that belong to the flow, and functions that wait or compute for long.
//! let parsed = Flow::from_items(["1", "2", "two"])
//!     .map(|word| word.parse::<u64>())
//!     .errors(OnError::Fail::<std::num::ParseIntError>);
//! assert!(parsed.count().await.is_err());
//! let doubled = Flow::from_items(1..=3_u64)
//!     .through(1, |_| Ok(MapEach::new(|number: u64| number * 2)))
//!     .par_map(|number| number + 1)
//!     .map_async(2, Order::Kept, |number| async move { Ok(number) });
//! assert_eq!(doubled.collect::<Vec<_>>().await?, [3, 5, 7]);
//!
//! // A stage that runs already, by its name: it ends with its input here.
//! let registry = Registry::new();
//! let square = MapEach::new(|number: u64| number * number);
//! let square = producer_consumer(square, StageOptions::named("square")).await?;
//! registry.register("square", &square)?;
//! type Square = MapEach<fn(u64) -> u64, u64, u64>;
//! let missing: Through<u64, u64> = Through::named::<Square>(&registry, "another");
//! assert!(Flow::from_items(1..=3_u64).through_stages([missing]).count().await.is_err());
//! let squares = Flow::from_items(1..=3_u64).through_stages([&square]).stages(1);
//! assert_eq!(squares.first(3).await?, [1, 4, 9]);
//!
//! // Consumers that the flow starts, and one that runs already.
//! let consumers = FinishOptions::new(2)
//!     .named("store")
//!     .max_demand(10)
//!     .min_demand(5)
//!     .demand(Tuning::Fixed)
//!     .restart(ConsumerRestart::Transient)
//!     .intensity(Intensity { max_restarts: 1, within: Duration::from_secs(60) });
//! let numbers = Flow::from_items(1..=3_u64);
//! let running: Feeding<u64> =
//!     numbers.finish_with(consumers, StartOptions::new(), |_| Ok(ForEach::new(|number: u64| println!("{number}")))).await?;
//! assert!(!running.producers().is_empty() && running.subscriptions().is_empty());
//! assert_eq!(running.join().await?.events(), 3);
//! let print = consumer(ForEach::new(|number: u64| println!("{number}")), StageOptions::named("print")).await?;
//! let feeding = numbers.into_stages_with([(print, SubscribeOptions::new())], StartOptions::new()).await?;
//! assert!(!feeding.subscriptions().is_empty());
//! feeding.join().await?;
//! # Ok(())
//! # }
//! ```

mod crew;
mod errors;
mod finish;
mod foreign;
mod into;
mod map_async;
mod owned;
mod owned_consumer;
mod owned_producer;
mod started;
mod through;

pub use errors::OnError;
pub use finish::{ConsumerRestart, FinishOptions};
#[doc(hidden)]
pub use foreign::Foreign;
pub use into::Feeding;
pub use map_async::Order;
pub use through::Through;
