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

mod acknowledged;
mod builder;
mod carried;
mod chain;
mod describe;
mod draft;
mod draw;
mod each;
mod fork;
mod fuse;
mod fuse_deliveries;
mod fuse_sink;
mod fuse_source;
pub(crate) mod handle;
mod handle_each;
mod line;
mod options;
mod parts;
#[cfg(feature = "config")]
mod redeclare;
mod route;
mod segment;
mod wire;

pub use crate::base::option_error::OptionError;
pub use acknowledged::{Acknowledged, Delivered};
pub use builder::{Pipeline, PipelineBuilder};
pub use carried::Carried;
pub use chain::Chain;
pub use describe::{Link, LinkKind, StepInfo, StepKind, Topology};
pub use fork::{Broadcast, Fork, Merging};
pub use fuse::{Fuse, Fused, Recipe};
pub use fuse_deliveries::{FuseDeliveries, FusedDeliveries};
pub use fuse_sink::FusedSink;
pub use fuse_source::{FuseStart, FusedSource, FusedStart, FusedWhole, Origin};
pub use line::Line;
pub use options::StepOptions;
#[cfg(feature = "config")]
pub(crate) use redeclare::StepDeclaration;
pub use segment::{Passage, Segment};
