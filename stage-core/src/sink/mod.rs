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
//!
//! The types of sinks have names, for functions and fields that hold them:
//!
//! ```
//! use stage_core::Pipeline;
//! use stage_core::sink::{self, Collect, CollectError, Collected, ForEachAsync, IntoChannel, IntoSink};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (collect, collected): (Collect<Vec<u32>, u32>, Collected<Vec<u32>>) = sink::collect();
//! let (sender, mut receiver) = tokio::sync::mpsc::channel(10);
//! let channel: IntoChannel<u32> = sink::into_channel(sender);
//! let pipeline = Pipeline::builder("numbers")
//!     .start_fn("numbers", || Ok(0..3_u32))
//!     .broadcast()
//!     .ending(|all| all.finish("collect", move || Ok(collect.clone())))
//!     .ending(|all| all.finish("channel", move || Ok(channel.clone())))
//!     .ending(|all| all.finish("print", || {
//!         let print: ForEachAsync<_, u32> = sink::for_each_async(|number| async move {
//!             println!("{number}");
//!             Ok(())
//!         });
//!         Ok(print)
//!     }))
//!     .ending(|all| all.finish("sink", || {
//!         let drain: IntoSink<_, u32> = sink::into_sink(futures_util::sink::drain());
//!         Ok(drain)
//!     }))
//!     .done();
//! pipeline.start().await?.join().await?;
//! assert_eq!(collected.await?, [0, 1, 2]);
//! assert_eq!(receiver.recv().await, Some(0));
//!
//! // A sink that never ran has collected nothing.
//! let (collect, collected) = sink::collect::<Vec<u32>, u32>();
//! drop(collect);
//! let error: CollectError<Vec<u32>> = collected.await.unwrap_err();
//! assert!(error.incomplete.is_empty() && error.reason.is_none());
//! # Ok(())
//! # }
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
