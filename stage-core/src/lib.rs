//! Demand-driven stages: producers, producer-consumers and consumers with credit-based back-pressure.
//!
//! Events flow down, demand flows up, and no stage ever receives an event it did not ask for:
//!
//! ```text
//!               events ▶                     events ▶
//!   Producer ═══════════▶ ProducerConsumer ═══════════▶ Consumer
//!               ◀ demand                     ◀ demand
//! ```
//!
//! * Write stages with the traits [`Producer`], [`ProducerConsumer`] and [`Consumer`], or as closures.
//! * Declare a pipeline with [`pipeline!`], or in plain Rust with [`Pipeline::builder`].
//! * Begin and end it with ready-made [sources](source) and [sinks](sink).
//! * Put ready-made steps between them: [batches](batch), a [rate limit](rate), and those that [select, time and
//!   join](step) events; run [one task per event](per_event).
//! * Have every event [acknowledged](ack), so that none is lost silently; also one that travels in
//!   [pieces](piecewise).
//! * Choose what happens to [an event that fails](policy): skip it, retry it, or send it to a dead-letter
//!   destination.
//! * Start, watch and end it through [`Running`]: every pipeline is supervised. A [`Supervisor`] keeps
//!   several pipelines and tasks running.
//!
//! ```
//! use stage_core::{Pipeline, StepOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Pipeline::builder("greeter")
//!     .start_fn("names", || Ok(["Joe", "Robert", "Mike"]))
//!     .step_fn("greet", |name| format!("Hello, {name}!"))
//!     .finish_fn("print", |greeting| println!("{greeting}"));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[2].events_in, 3);
//! # Ok(())
//! # }
//! ```
//!
//! The [guide] explains demand, windows, failures and tests in eight short chapters.
//!
//! # Modules
//!
//! The root holds the names that most programs need; [`prelude`] has those of a file with stages. The others are
//! in the module of their subject: [`stage`] for messages and timers of stages, [`mod@pipeline`] for declarations
//! and the topology, [`subscribe`] and [`spawn`] for stages wired by hand, [`stats`] for counters.
//!
//! # Features
//!
//! * `config`: reads pipeline options from files, maps and environment variables ([`config`]).
//! * `crossbeam`: sources and sinks on crossbeam channels, for threads without a runtime.
//! * `rayon`: allows steps on rayon's thread pool ([`Placement::Rayon`](Placement)).
//! * `serde`: serialises statistics, reports and topologies.
//! * `trace`: deliveries carry the context of a trace, and sampled ones have spans (the `trace` module).
//! * `test-util`: the `testing` module, for tests of your own stages and dispatchers.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The derive macro for errors expands to paths of this crate.
extern crate self as stage_core;

#[doc(hidden)]
pub mod __private;
pub mod ack;
mod base;
pub mod batch;
mod concurrent;
#[cfg(feature = "config")]
pub mod config;
mod credit;
pub mod dispatch;
mod engine;
pub mod guide;
pub mod into_stream;
pub mod per_event;
pub mod piecewise;
pub mod pipeline;
pub mod policy;
pub mod prelude;
pub mod rate;
pub mod registry;
mod runtime;
pub mod sink;
pub mod source;
pub mod spawn;
pub mod stage;
pub mod step;
mod supervise;
pub mod supervisor;
mod sync;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod timed;
#[cfg(feature = "trace")]
pub mod trace;
#[cfg(not(feature = "trace"))]
mod untraced;
pub mod watch;
mod wire;

/// The statistics of stages, as in [`Running::stats`] and a [`Report`].
pub mod stats {
    pub use crate::base::stats::{
        Discards, EventFailures, Gauge, GaugeValue, Gauges, StageState, StageStats, StateTimes,
    };
}

/// Subscriptions between stages and the reasons of their end. [`SubscribeOptions`] declares one.
pub mod subscribe {
    pub use crate::base::error::SubscribeError;
    pub use crate::credit::demand::WindowError;
    pub use crate::credit::tuning::ParseTuningError;
    pub use crate::wire::subscription::{Asking, CancelKind, Cancellation, Role, Subscription};
}

#[cfg(not(feature = "trace"))]
use untraced as trace;

pub use base::backoff::Backoff;
pub use base::error::{BoxError, ExitReason, Fatal, StageResult};
pub use base::options::{CancelMode, Capacity, Keep, Placement, Restart};
pub use credit::demand::{Demand, Window};
pub use credit::tuning::Tuning;
pub use pipeline::chain::Chain;
pub use pipeline::handle::{Running, StageRef, StartError};
pub use pipeline::options::StepOptions;
pub use pipeline::pipeline::Pipeline;
pub use pipeline::segment::Segment;
pub use stage::consumer::Consumer;
pub use stage::context::{Context, Init};
pub use stage::emitter::{Emitter, Nothing};
pub use stage::events::Events;
pub use stage::producer::Producer;
pub use stage::producer_consumer::ProducerConsumer;
pub use stage_macros::{consumer, pipeline, producer, producer_consumer, timed};
pub use supervise::{Intensity, PipelineError, Report, Strategy};
pub use supervisor::tree::Supervisor;
pub use wire::{ProducerRef, SubscribeOptions};
