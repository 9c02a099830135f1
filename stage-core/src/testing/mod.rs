//! What tests of stages and dispatchers need: stages in the hands of the test, and parts of a stage as plain values.
//!
//! | to test | take |
//! |---|---|
//! | a consumer, or a step's input | [`ManualProducer`]: emits what the test says, logs what it is asked for |
//! | a producer, or a step's output | [`ManualConsumer`]: asks for what the test says, shows what arrives |
//! | both at once, from the middle | [`ManualStep`]: asks, shows, emits and logs as the test says |
//! | a pipeline's output | [`Probe`]: a consumer that shows every batch, or [hangs](Probe::hanging) with one |
//! | what a producer of yours is asked for | [`DemandLog`] |
//! | that nothing more happens | [`settle`] |
//! | what was warned of | [`Warnings`] |
//! | every order in which stages can run | [`Sim`]: a runtime whose order a seed decides, and repeats |
//! | a dispatcher, without a runtime | [`Hub`] |
//! | what a full buffer keeps | [`Buffer`] |
//!
//! No test needs a sleep: what is awaited here comes, or the wait fails and names its line. Pause the clock
//! (`#[tokio::test(start_paused = true)]`), and a wait in vain fails at once.

mod buffer;
mod demand_log;
mod hub;
mod log;
mod manual_consumer;
mod manual_producer;
mod manual_step;
mod probe;
mod settle;
mod sim;
mod warnings;

pub use buffer::Buffer;
pub use demand_log::{DemandLog, Recorded, Recorder};
pub use hub::Hub;
pub use manual_consumer::ManualConsumer;
pub use manual_producer::{ManualProducer, Told};
pub use manual_step::{ManualStep, ToldStep};
pub use probe::{Probe, Seen, SeenBatch};
pub use settle::settle;
pub use sim::{Sim, turn};
pub use warnings::Warnings;
