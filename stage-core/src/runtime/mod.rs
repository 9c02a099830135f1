//! The scheduler of the stages.
//!
#![doc = include_str!("README.md")]

mod local_queue;
pub(crate) mod placement;
mod poll_state;
#[cfg(feature = "test-util")]
mod seeded_order;
mod stage_task;

pub(crate) use placement::{StageFuture, spawn as place};
#[cfg(feature = "test-util")]
pub(crate) use seeded_order::SeededOrder;
