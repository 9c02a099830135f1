//! Ready-made producers, which bring events into a pipeline.
//!
//! | from | use | several copies |
//! |---|---|---|
//! | an iterator | [`from_iter`] | no |
//! | a `Stream` | [`from_stream`] | no |
//! | a tokio channel | [`from_channel`] | no |
//! | a crossbeam channel (feature `crossbeam`) | `from_crossbeam` | yes |
//! | the clock | [`interval`] | no |
//! | code that holds a handle | [`queue()`] | no |
//!
//! All of them hand on available events instead of waiting until they can serve the whole demand, emit
//! nothing without demand, and stop waiting when the pipeline drains:
//!
//! ```text
//!   handle_demand(n) ──▶ wait for the first event ──▶ take what else is ready ──▶ flush ──┐
//!                          ▲         │ drain, end                    n are emitted │      │
//!                          │         ▼                                             ▼      │
//!                          │       return                                        return   │
//!                          └──────────────────── fewer than n so far ─────────────────────┘
//! ```
//!
//! A recipe runs again at a restart. Sources that stand for something outside (a channel, a queue) are
//! `Clone`: every clone is the same source, so a recipe that clones one continues where the last run stopped.
//! Sources that own their input (an iterator, a stream) are rebuilt and start from the beginning.
//!
//! The types of sources have names, for functions and fields that hold them:
//!
//! ```
//! use std::time::Duration;
//!
//! use stage_core::source::{self, FromStream, Interval, IntervalError, Missed, Tick};
//! use stage_core::{Pipeline, sink};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let pipeline = Pipeline::builder("numbers")
//!     .start("numbers", || {
//!         let numbers: FromStream<_> = source::from_stream(futures_util::stream::iter(0..3));
//!         Ok(numbers)
//!     })
//!     .finish_fn("print", |number| println!("{number}"));
//! assert_eq!(pipeline.start().await?.join().await?.stages[1].events_in, 3);
//!
//! let clock: Interval = source::interval(Duration::from_secs(1))?.missed(Missed::Burst);
//! let (sender, mut ticks) = tokio::sync::mpsc::channel(1);
//! let running = Pipeline::builder("clock")
//!     .start("clock", move || Ok(clock.clone()))
//!     .finish("send", move || Ok(sink::into_channel(sender.clone())))
//!     .start()
//!     .await?;
//! let first: Tick = ticks.recv().await.ok_or("the clock runs")?;
//! assert_eq!((first.number, first.missed), (0, 0));
//! running.stop().await?;
//! assert_eq!(source::interval(Duration::ZERO).err(), Some(IntervalError::Period));
//! # Ok(())
//! # }
//! ```
//!
//! The handle of a [queue](queue()) fails or discards where it cannot wait, and gives back what was not handled:
//!
//! ```
//! use stage_core::Keep;
//! use stage_core::source::{self, ChannelReceiver, FromChannel, Push, PushError, PushQueue, PushQueueError, TryPushError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), stage_core::BoxError> {
//! let (push, queue): (Push<u32>, PushQueue<u32>) = source::queue(2)?;
//! push.push(1).await?;
//! push.try_push(2)?;
//! let full: TryPushError<u32> = push.try_push(3).unwrap_err();
//! assert!(full.is_full());
//! push.push_overflow(full.into_event(), Keep::Last)?;
//! assert_eq!((push.len(), push.capacity(), push.discarded()), (2, 2, 1));
//! push.close();
//! assert!(push.is_closed() && !push.is_empty());
//! let closed: PushError<u32> = push.push(4).await.unwrap_err();
//! assert_eq!(closed.into_event(), 4);
//! drop(queue);
//! assert_eq!(push.take_rest(), [2, 3]);
//! assert_eq!(source::queue::<u32>(0).err(), Some(PushQueueError::Capacity));
//!
//! let (sender, receiver) = tokio::sync::mpsc::channel(8);
//! sender.send("left").await?;
//! let channel: FromChannel<&str> = source::from_channel(receiver);
//! assert!(channel.take_rest().is_empty(), "no stage has received anything");
//! let Ok(ChannelReceiver::Bounded(mut receiver)) = channel.into_receiver() else { panic!("a clone is left") };
//! assert_eq!(receiver.recv().await, Some("left"));
//! # Ok(())
//! # }
//! ```

mod channel;
#[cfg(feature = "crossbeam")]
mod crossbeam;
mod feed;
mod interval;
mod items;
mod queue;
mod stream;
#[cfg(feature = "crossbeam")]
mod watch;

pub use channel::{ChannelReceiver, FromChannel, from_channel};
#[cfg(feature = "crossbeam")]
pub use crossbeam::{FromCrossbeam, from_crossbeam};
pub use interval::{Interval, IntervalError, Missed, Tick, interval};
pub use items::from_iter;
pub use queue::{Push, PushError, PushQueue, PushQueueError, TryPushError, queue};
pub use stream::{FromStream, from_stream};
#[cfg(feature = "crossbeam")]
pub(crate) use watch::Watch;
