//! Stages without a pipeline: spawned, connected and ended by hand.
//!
//! ```
//! use stage_core::spawn::{StageOptions, consumer, producer};
//! use stage_core::stage::{ForEach, FromIter};
//! use stage_core::{CancelMode, ExitReason, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sum, total) = std::sync::mpsc::channel();
//! let numbers = producer(FromIter::new(1..=100_u64), StageOptions::named("numbers")).await?;
//! let sink = ForEach::new(move |number| sum.send(number).expect("the receiver is alive"));
//! let sink = consumer(sink, StageOptions::named("sink")).await?;
//! sink.subscribe(&numbers.producer(), SubscribeOptions::new().max_demand(10)).await?;
//!
//! // The subscription is permanent: the sink ends with the numbers, for the same reason.
//! assert!(matches!(sink.ended().await, ExitReason::Normal));
//! assert_eq!(total.iter().sum::<u64>(), 5_050);
//! # Ok(())
//! # }
//! ```
//!
//! Such a stage is not restarted: for that, declare a [`Pipeline`](crate::Pipeline). It keeps running when
//! its [`StageRef`](crate::StageRef)s are dropped, until it finishes, fails, is stopped, or ends together
//! with one of its subscriptions.
//!
//! # Options
//!
//! ```
//! use stage_core::dispatch::BroadcastDispatcher;
//! use stage_core::spawn::{DemandMode, OnCancel, StageOptions, producer};
//! use stage_core::stage::{FromIter, Pace};
//! use stage_core::testing::ManualConsumer;
//! use stage_core::{Capacity, Keep, Placement, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = StageOptions::named("numbers")
//!     .placement(Placement::Runtime)
//!     .buffer(Capacity::Bounded(100))
//!     .keep(Keep::First)
//!     .pace(Pace::Message)
//!     .on_cancel(OnCancel::Stop)
//!     .dispatcher(BroadcastDispatcher::new())
//!     // Nobody misses the first numbers.
//!     .demand(DemandMode::Accumulate);
//! let numbers = producer(FromIter::new(0..3), options).await?;
//! let mut consumers = [ManualConsumer::spawn("a").await, ManualConsumer::spawn("b").await];
//! for consumer in &mut consumers {
//!     consumer.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
//!     consumer.ask(3);
//! }
//! numbers.set_demand_mode(DemandMode::Forward);
//! for consumer in &mut consumers {
//!     assert_eq!(consumer.next_batch().await, [0, 1, 2]);
//! }
//! # Ok(())
//! # }
//! ```

mod options;
mod stage;

pub use crate::base::options::{DemandMode, DiscardLog, OnCancel};
pub use options::StageOptions;
pub use stage::{SpawnError, consumer, producer, producer_consumer};
