//! Ready-made steps that select, time, join and repeat events.
//!
//! | step | passes on |
//! |---|---|
//! | [`take`], [`take_while`], [`take_for`] | the first events: a number, while a condition holds, for a time |
//! | [`skip`], [`skip_while`], [`skip_for`] | all events behind those |
//! | [`dedup`], [`dedup_by_key`] | events that differ from the one before |
//! | [`scan`] | what a function with a state makes of each event |
//! | [`prefix_and_rest`] | what a function makes of each event, itself made of the first ones |
//! | [`debounce`] | an event that was followed by none for a time |
//! | [`sample`] | the latest event of each period |
//! | [`latest`], [`conflate`] | the latest event, or a fold, of those that came while nothing was asked for |
//! | [`expand`], [`keep_alive`] | further events while none come |
//! | [`delay`] | every event later |
//! | [`idle_timeout`], [`initial_timeout`] | every event, or an error if none comes in time |
//! | [`zip`], [`zip_latest`] | pairs of events of two inputs |
//! | [`merge_sorted`], [`interleave`] | the events of several inputs: sorted, by weight |
//!
//! A limit on the rate is in [`rate`](crate::rate), batches by number, weight and time are in
//! [`batch`](crate::batch), and functions that pass on some events are methods of a [`Chain`](crate::Chain).
//!
//! ```
//! # use std::time::Duration;
//! use stage_core::pipeline;
//! use stage_core::step::{debounce, dedup};
//!
//! pipeline! {
//!     /// Searches for the text once typing has paused.
//!     Search(typed: Vec<String>) {
//!         start  || typed;
//!         step   debounce(Duration::from_millis(300));
//!         step   dedup();
//!         finish |text| println!("search for {text}");
//!     }
//! }
//! ```
//!
//! # Demand
//!
//! Most steps take events only while something is asked for, like every step. [`debounce`], [`sample`], [`latest`] and
//! [`conflate`] take every event that comes, and hold one; [`delay`], [`zip`], [`merge_sorted`] and [`interleave`] hold
//! at most `max_demand` events of each producer.
//!
//! # Events that do not leave
//!
//! An event that a step leaves out on purpose is counted in [`StageStats::left_out`](crate::stats::StageStats); an
//! acknowledged pipeline acknowledges it. Events that a step holds when it is stopped or fails are discarded and counted; a
//! delivery returns to its source untried. So do events that come after a step has finished.
//!
//! Steps that emit the events that they take do so with deliveries as well. For those that change their type, the
//! functions of [`acknowledged`] take the place of the ones here.
//!
//! # One stage
//!
//! The steps of the first five rows can be [fused](crate::Chain::fused) with others (`then` in `pipeline!`), except for
//! [`take_for`]. The others need timers, or demand, and are steps of their own.

pub mod acknowledged;
mod conflate;
mod debounce;
mod deciding;
mod dedup;
mod delay;
mod expand;
mod held;
mod held_tokens;
mod interleave;
mod keep_alive;
mod latest;
#[cfg(test)]
mod laws;
mod lines;
mod merge_sorted;
mod passing;
mod prefix;
mod queues;
mod sample;
mod scan;
mod side;
mod skip;
mod take;
mod take_for;
#[cfg(test)]
#[cfg(feature = "test-util")]
mod tests;
mod timeout;
mod zip;
mod zip_latest;

pub use conflate::conflate;
pub use debounce::debounce;
pub use dedup::{dedup, dedup_by_key};
pub use delay::delay;
pub use expand::expand;
pub use interleave::interleave;
pub use keep_alive::keep_alive;
pub use latest::latest;
pub use merge_sorted::merge_sorted;
pub use prefix::prefix_and_rest;
pub use sample::sample;
pub use scan::scan;
pub use side::Side;
pub use skip::{skip, skip_for, skip_while};
pub use take::{take, take_while};
pub use take_for::take_for;
pub use timeout::{TimeoutError, idle_timeout, initial_timeout};
pub use zip::zip;
pub use zip_latest::zip_latest;
