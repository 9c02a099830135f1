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
