//! Flows over an edge: keyed windows of event time whose state survives its machine.
//!
//! ```text
//!   way 0: events ─ number, time ─▶ frames ┐              ┌ partition 0: windows ═▶ results ═▶ steps   machine 1
//!   way 1: events ─ number, time ─▶ frames ┤ server ──────┤     └─ snapshot, then acknowledgements
//!                                          └ ─────────────┴ partition 1: windows ═▶ results ═▶ steps   machine 2
//! ```
//!
//! [`Across`] declares all of it in one flow, which each process starts. Its halves can be used alone: a [`Way`] sends the events of one part of the input, numbered and stamped with their event time; [`Windowed`] is the
//! source of the results in all processes that share the edge.
//!
//! The state of a partition is stored as a snapshot among the notes of the edge; the frames that it covers are
//! acknowledged afterwards, so those behind it are the log from which the next owner continues.
//!
//! 1. A partition takes the events of a way in the order of their numbers, each once. Numbers are in the snapshot, so a
//!    way that sends its events again, after a restart, changes nothing.
//! 2. The results of a partition are a function of its frames and their order. A result that is handed out again, after
//!    the end of a process, has the same number and value.
//! 3. A frame is acknowledged after the snapshot that covers it, and a snapshot is stored after the results before it
//!    were handled.
//! 4. A snapshot replaces the one that its writer knows, or nothing: a process that has lost its partition changes
//!    nothing.
//!
//! Each process starts the same flow:
//!
//! ```
//! use std::time::Duration;
//!
//! use flow::{Flow, Window};
//! use serde::{Deserialize, Serialize};
//! use stage_core::Pipeline;
//! use stage_edge::flow::{Across, AcrossFlow, AcrossWindow, Crosses, Numbered, Totals};
//! use stage_edge::{Edge, Format, SchemaId, SourceOptions};
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Sale { shop: u32, pence: u64, at: i64 }
//!
//! /// Sums the sales of each shop.
//! fn sums<E: Edge>(edge: E, sales: Vec<Sale>, window: Window<impl Crosses>) -> Totals<E, Sale, u32, u64> {
//!     let sales: AcrossFlow<E, Sale, u32> = Flow::from_iters([sales])
//!         .event_time(|sale: &Sale| sale.at, Duration::MAX)
//!         .across(edge, "sales", 16, |sale| sale.shop)
//!         .app("shop")
//!         .format(Format::json(SchemaId::new("Sale", 2)))
//!         .spec(|spec| spec.setup(true));
//!     let windows: AcrossWindow<E, Sale, u32, _> = sales.window(window);
//!     windows
//!         .reduce(|| 0, |sum: &mut u64, sale| *sum += sale.pence)
//!         .version(2)
//!         .snapshot_every(Duration::from_secs(1))
//!         .source_options(SourceOptions::new("north"))
//! }
//!
//! fn pipeline(edge: impl Edge, sales: Vec<Sale>) -> Pipeline {
//!     let sums = sums(edge, sales, Window::fixed(Duration::from_secs(60)));
//!     Pipeline::builder("sums").start("sales", move || sums.source()).acknowledged().finish_fn(
//!         "print",
//!         |sum: Numbered<u32, u64>| println!("{}: shop {} {}", sum.id(), sum.result.key, sum.result.value),
//!     )
//! }
//! # fn main() { drop(pipeline(stage_edge::memory::MemoryEdge::new(), Vec::new())) }
//! ```

mod across;
mod bytes;
mod crossing;
mod fold;
mod input;
mod lane;
mod mutant;
mod numbered;
mod results;
mod snapshot;
mod stored;
#[cfg(test)]
mod tests;
mod totals;
mod way;
mod way_lane;
mod windowed;

pub use across::{Across, AcrossFlow, AcrossWindow};
#[doc(hidden)]
pub use crossing::Stays;
pub use crossing::{Crosses, Persist};
#[doc(inline)]
pub use flow::persist::{Combined, KeyedWindows, WindowResult};
#[cfg(feature = "testing")]
pub use mutant::Mutant;
pub use numbered::Numbered;
pub use totals::Totals;
pub use way::{Way, Ways};
pub use windowed::Windowed;
