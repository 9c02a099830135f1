//! Tests of followed files: growth, rotation, truncation, restarts, and the laws of connectors.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod changes;
mod checkpoints;
mod ids;
mod killed;
mod laws;
mod support;
