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
