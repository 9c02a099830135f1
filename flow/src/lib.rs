//! Lazy, partitioned, parallel queries on stage-core.
//!
//! A [`Flow`] is a description: the origin of events, and the steps applied to them. It does nothing until it
//! is run, and can be run any number of times. It then compiles to the stages of `stage-core`: the steps
//! between two exchanges are one loop inside one stage, each layer has as many stages as there are cores, and
//! demand flows up through all of them.
//!
//! ```
//! use std::collections::HashMap;
//! use flow::Flow;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), flow::FlowError> {
//! let lines = ["the quick brown fox", "the lazy dog", "the end"];
//! let words = Flow::from_items(lines)
//!     .flat_map(|line| line.split(' ').collect::<Vec<_>>())
//!     .partition(|word| *word)
//!     .reduce(HashMap::new, |counts, word| *counts.entry(word).or_insert(0_u32) += 1)
//!     .emit();
//! let counts: HashMap<&str, u32> = words.collect().await?;
//! assert_eq!(counts["the"], 3);
//! # Ok(())
//! # }
//! ```
//!
//! Every event is handled by one stage; events with equal keys of a [partition](Flow::partition) go to the
//! same stage. Between the stages of a layer there is no order; events that one stage sends to another arrive
//! in order.
#![forbid(unsafe_code)]

mod blocking;
pub mod chain;
mod combining;
mod error;
mod exchange;
mod exec;
mod flow;
mod grouping;
pub mod join;
mod options;
mod origins;
mod output;
pub mod plan;
mod profile;
mod recent;
pub mod reduce;
mod reduced;
mod refused;
mod running;
pub mod session;
mod sorted;
pub mod source;
pub mod stages;
mod stats;
mod steps;
mod sync;
pub mod time;
pub mod window;
mod windowed;

pub use blocking::FlowIter;
pub use combining::{CombinedFlow, Combining, KnowingFlow};
pub use error::FlowError;
pub use exec::Workers;
pub use flow::{Flow, IterFlow, LayerFlow};
pub use options::LayerOptions;
pub use output::FlowStream;
pub use plan::{Outline, Place};
pub use profile::{LayerProfile, Profile};
pub use recent::Recent;
pub use reduce::Alarms;
pub use reduced::{Departitioned, Reduced};
pub use refused::Refused;
pub use running::{FlowRef, FlowReport, RunningFlow, StartOptions};
pub use stats::Tally;
pub use window::{Late, Next, Trigger, TriggerName, Window, WindowId};
