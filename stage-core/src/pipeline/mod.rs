//! Declares pipelines in plain Rust, by hand or as the expansion of the `pipeline!` macro.
//!
//! ```
//! use stage_core::{Pipeline, StepOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sum, total) = std::sync::mpsc::channel();
//! let pipeline = Pipeline::builder("squares")
//!     .defaults(StepOptions::new().max_demand(100).min_demand(50))
//!     .start_fn("numbers", || Ok(1..=1000_u64))
//!     .step_fn(StepOptions::named("square").count(2), |number| number * number)
//!     .finish_fn("send", move |square| sum.send(square).expect("the receiver is alive"));
//! println!("{}", pipeline.topology());
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[0].events_out, 1000);
//! assert_eq!(total.iter().sum::<u64>(), 333_833_500);
//! # Ok(())
//! # }
//! ```
//!
//! # The structure of a pipeline
//!
//! ```
//! use stage_core::batch::{Batcher, Limits};
//! use stage_core::pipeline::{Carried, Link, LinkKind, OptionSource, OptionValue, StepInfo, StepKind};
//! use stage_core::{Pipeline, StepOptions};
//!
//! let pipeline = Pipeline::builder("squares")
//!     .start_fn("numbers", || Ok(1..=9_u32))
//!     .step_fn(StepOptions::named("square").count(2), |number| number * number)
//!     .step("batch", || Ok(Batcher::new(Limits::count(3))?))
//!     .finish_fn("print", |batch: Vec<u32>| println!("{batch:?}"));
//! let topology = pipeline.topology();
//! let square: &StepInfo = topology.step("square").ok_or("it is a step")?;
//! assert_eq!((square.kind, square.copies()), (StepKind::ProducerConsumer, 2));
//! let last: &Link = &topology.links[2];
//! assert_eq!((&*last.from, &*last.to, last.kind), ("batch", "print", LinkKind::Straight));
//! assert!(last.carries.is_batches());
//! assert_eq!((topology.links[0].carries, Carried::Events.events()), (Carried::Events, Some(1)));
//! let count: &OptionValue = topology.options().iter().find(|option| option.name == "count" && option.step == "square").ok_or("set")?;
//! assert_eq!((&*count.value, &count.source), ("2", &OptionSource::Code));
//! # Ok::<(), &str>(())
//! ```
//!
//! # Chains of events and of deliveries
//!
//! A function over a [`Chain`] may serve both. The report tells how the pipeline ended:
//!
//! ```
//! use stage_core::ack::Delivery;
//! use stage_core::pipeline::{Acknowledged, Carry, Outcome, Plain, StageExit, StageLoss};
//! use stage_core::{Chain, Pipeline};
//!
//! fn tidy<C: Carry>(chain: Chain<String, C>) -> Pipeline {
//!     chain.step_filter("filled", |line| !line.is_empty()).finish_fn("print", |line| println!("{line}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let lines: Chain<String, Plain> =
//!     Pipeline::builder("lines").start_fn("lines", || Ok([String::new(), "one".to_owned()]));
//! let report = tidy(lines).start().await?.join().await?;
//! assert_eq!((report.outcome, report.stages[2].events_in), (Outcome::Finished, 1));
//! let (lost, ended): (Vec<StageLoss>, Vec<StageExit>) = (report.rejected, report.not_restarted);
//! assert!(lost.is_empty() && ended.is_empty());
//!
//! let jobs: Chain<String, Acknowledged> =
//!     Pipeline::builder("jobs").start_fn("jobs", || Ok([Delivery::untracked("two".to_owned())])).acknowledged();
//! tidy(jobs).start().await?.join().await?;
//! # Ok(())
//! # }
//! ```

pub(crate) mod across;
mod branches;
mod builder;
pub(crate) mod chain;
mod delivered;
mod describe;
mod draft;
mod emitting;
mod fuse;
mod graph;
pub(crate) mod handle;
mod install;
pub(crate) mod keyed;
mod mismatch;
mod no_output;
pub(crate) mod only;
pub(crate) mod options;
#[expect(clippy::module_inception, reason = "the file is named after the type that it defines")]
pub(crate) mod pipeline;
pub(crate) mod segment;
mod sources;

pub use crate::base::copies::{Copies, ParseCopiesError};
pub use crate::base::error::ExitKind;
pub use crate::base::option_error::OptionError;
pub use crate::policy::carry::{Acknowledged, Carry, Plain};
pub use crate::supervise::{Outcome, StageExit, StageLoss};
pub use across::Across;
pub use branches::Branches;
pub use builder::PipelineBuilder;
pub(crate) use chain::Chain;
pub use describe::{Carried, Link, LinkKind, StepInfo, StepKind, Topology};
pub use fuse::{Fuse, FusedSink};
pub use handle::{Monitor, Stall, WaitsFor};
pub use only::{Parts, PartsError};
#[cfg(feature = "config")]
pub(crate) use options::StepDeclaration;
pub(crate) use options::StepOptions;
pub use options::{OptionSource, OptionValue};
pub(crate) use pipeline::Pipeline;
pub use segment::Passage;
// Bounds that exist for their messages.
#[doc(hidden)]
pub use {
    across::Crossing, branches::Broadcast, delivered::Delivered, mismatch::Expected, mismatch::ExpectedBatch,
    no_output::NoOutput,
};
