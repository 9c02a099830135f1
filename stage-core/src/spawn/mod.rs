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

mod options;
mod stage;

pub use crate::base::options::{DemandMode, DiscardLog, OnCancel};
pub use options::StageOptions;
pub use stage::{SpawnError, consumer, producer, producer_consumer};
