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
