//! The durable queue on a real server.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod crashes;
mod edges;
mod histories;
#[path = "../kit/mod.rs"]
mod kit;
mod model;
mod pipelines;
mod rules;
mod watched;
