//! A step that collects events into batches: by count, by weight, by time, by key.
//!
//! ```text
//!                    ┌ key a ─ [ · · · ·     ] ──┐  full, due, or pushed out
//!  events ══▶ inbox ─┤                           ├──▶ batches, as many as are asked for
//!                    └ key b ─ [ · ·         ] ──┘
//! ```
//!
//! See [`Batcher`] for the rules and an example.
//!
//! Batches may share a key, and weigh their events:
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::Pipeline;
//! use stage_core::batch::{Batch, BatchError, Batcher, Limits};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let words = ["apple", "avocado", "banana", "blueberry", "apricot"];
//! let by_letter = || {
//!     let limits = Limits::weighing(20, |word: &&str| word.len()).within(Duration::from_secs(60));
//!     Ok(Batcher::by_key(limits, 100, |word: &&str| word.chars().next())?)
//! };
//! let pipeline = Pipeline::builder("words")
//!     .start_fn("words", move || Ok(words))
//!     .step("batches", by_letter)
//!     .finish_fn("print", |batch: Batch<_, _>| println!("{:?}: {:?}", batch.key, batch.events));
//! let report = pipeline.start().await?.join().await?;
//! assert_eq!(report.stages[2].events_in, 2);
//!
//! assert_eq!(Batcher::<u32>::new(Limits::count(0)).err(), Some(BatchError::Count));
//! # Ok(())
//! # }
//! ```
//!
//! A batch of deliveries is one delivery. Functions over a batcher are bounded by [`Sort`]:
//!
//! ```
//! use stage_core::ack::Delivery;
//! use stage_core::batch::{Batcher, ByKey, Joined, Limits, Sort, Together};
//!
//! /// Returns the events that `sort` would put into one batch with the first.
//! fn with_first<E, S: Sort<E>>(sort: &S, events: Vec<E>) -> Option<S::Batch> {
//!     let key = sort.key(events.first()?);
//!     let same = events.into_iter().filter(|event| sort.key(event) == key).collect();
//!     Some(sort.batch(key, same))
//! }
//! assert_eq!(with_first(&Together, vec![1, 2, 3]), Some(vec![1, 2, 3]));
//!
//! let joined: Batcher<Delivery<u32>, Joined<u32>> = Batcher::joining(Limits::count(10))?;
//! let odd: Batcher<u32, ByKey<_>> = Batcher::by_key(Limits::count(10), 2, |number: &u32| number % 2)?;
//! assert!(format!("{joined:?}{odd:?}").contains("Batcher"));
//! # Ok::<(), stage_core::batch::BatchError>(())
//! ```

mod collect;
mod declare;
mod limits;
mod sort;
mod stage;

pub use limits::{BatchError, Limits};
pub use sort::{Batch, ByKey, Joined, Sort, Together};
pub use stage::Batcher;
