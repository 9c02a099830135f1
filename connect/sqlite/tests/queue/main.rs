//! The durable queue: its rules compared with a plain model, and its source in pipelines.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod begun;
mod crashes;
mod edges;
mod format;
mod histories;
mod model;
mod pipelines;
mod pulls;
mod rules;
mod untried;
