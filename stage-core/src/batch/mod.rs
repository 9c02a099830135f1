//! A step that collects events into batches: by count, by weight, by time, by key.
//!
//! ```text
//!                    ┌ key a ─ [ · · · ·     ] ──┐  full, due, or pushed out
//!  events ══▶ inbox ─┤                           ├──▶ batches, as many as are asked for
//!                    └ key b ─ [ · ·         ] ──┘
//! ```
//!
//! See [`Batcher`] for the rules and an example.

mod collect;
mod declare;
mod limits;
mod sort;
mod stage;

pub use limits::{BatchError, Limits};
pub use sort::{Batch, ByKey, Joined, Sort, Together};
pub use stage::Batcher;
