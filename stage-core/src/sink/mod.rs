//! Ready-made consumers, which take events out of a pipeline.
//!
//! | into | use |
//! |---|---|
//! | a function | [`for_each`], [`for_each_async`] |
//! | a `Sink` | [`into_sink`] |
//! | a tokio channel | [`into_channel`] |
//! | a crossbeam channel (feature `crossbeam`) | `into_crossbeam` |
//! | a collection | [`collect`] |
//!
//! A sink that waits holds its producers back: it asks for more only after it has handled a batch.
//!
//! ```text
//!   producer ══ events ══▶ sink ──▶ function, Sink, channel: waits for room, or until it is done
//!            ◀─ demand ───
//! ```

mod channel;
mod collect;
#[cfg(feature = "crossbeam")]
mod crossbeam;
mod for_each;
mod for_each_async;
mod into_sink;
mod refused;

pub use channel::{IntoChannel, into_channel};
pub use collect::{Collect, CollectError, Collected, collect};
#[cfg(feature = "crossbeam")]
pub use crossbeam::{IntoCrossbeam, into_crossbeam};
pub use for_each::for_each;
pub use for_each_async::{ForEachAsync, for_each_async};
pub use into_sink::{IntoSink, into_sink};
