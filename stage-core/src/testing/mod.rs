//! Tools for tests of stages and dispatchers: stages controlled by the test, and parts of a stage as plain
//! values.
//!
//! | to test | use |
//! |---|---|
//! | a consumer, or a step's input | [`ManualProducer`]: emits on command, logs the demand it receives |
//! | a producer, or a step's output | [`ManualConsumer`]: asks on command, shows the events it receives |
//! | both at once, from the middle | [`ManualStep`]: asks and emits on command, shows events and logs demand |
//! | a pipeline's output | [`Probe`]: a consumer that shows every batch, or [hangs](Probe::hanging) on one |
//! | the demand on your own producer | [`DemandLog`] |
//! | the absence of further activity | [`settle`] |
//! | logged warnings | [`Warnings`] |
//! | every order in which stages can run | [`Sim`]: a runtime whose order is determined by a seed, and can be replayed |
//! | a dispatcher, without a runtime | [`Supply`] |
//! | which events a full buffer keeps | [`Buffer`] |
//! | windows that follow the speed of a stage | [`TuneByPausedTime`] |
//!
//! No test needs a sleep: an awaited event either arrives, or the wait fails and names its line. With a
//! paused clock (`#[tokio::test(start_paused = true)]`), a wait that cannot succeed fails at once.
//!
//! The types of these stages have names, for functions and fields that hold them:
//!
//! ```
//! use std::ops::Range;
//!
//! use stage_core::spawn::{StageOptions, consumer, producer};
//! use stage_core::stage::FromIter;
//! use stage_core::testing::{DemandLog, ManualProducer, ManualProducerStage, ManualStep, ManualStepStage};
//! use stage_core::testing::{ObservedBatch, Probe, Recorded};
//! use stage_core::{Nothing, StageRef, SubscribeOptions};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let mut demands = DemandLog::new();
//! let numbers: Recorded<FromIter<Range<u32>>> = demands.around(FromIter::new(0..3));
//! let numbers = producer(numbers, StageOptions::named("numbers")).await?;
//! let (probe, mut seen) = Probe::new();
//! let probe = consumer(probe, StageOptions::named("probe")).await?;
//! probe.subscribe(&numbers.producer(), SubscribeOptions::new().max_demand(2)).await?;
//! assert_eq!(demands.next_demand().await, 2);
//! let batch: ObservedBatch<u32> = seen.next_seen().await;
//! assert_eq!((&*batch.from.producer(), batch.events[0]), ("numbers", 0));
//!
//! let source = ManualProducer::<u32>::spawn(StageOptions::named("source")).await;
//! let source: &StageRef<ManualProducerStage<u32>, Nothing, u32> = source.stage();
//! let step = ManualStep::<u32, u64>::spawn(StageOptions::named("step")).await;
//! let step: &StageRef<ManualStepStage<u32, u64>, u32, u64> = step.stage();
//! assert_eq!((source.name(), step.name()), ("source", "step"));
//! # Ok(())
//! # }
//! ```

mod buffer;
mod demand_log;
mod log;
mod manual_consumer;
mod manual_producer;
mod manual_step;
mod paused_time;
mod probe;
mod settle;
mod sim;
mod supply;
mod warnings;

pub use buffer::Buffer;
pub use demand_log::{DemandLog, Recorded, Recorder};
pub use manual_consumer::ManualConsumer;
pub use manual_producer::{ManualProducer, ManualProducerStage};
pub use manual_step::{ManualStep, ManualStepStage};
pub use paused_time::TuneByPausedTime;
pub use probe::{Observed, ObservedBatch, Probe};
pub use settle::settle;
pub use sim::{Sim, turn};
pub use supply::Supply;
pub use warnings::Warnings;
