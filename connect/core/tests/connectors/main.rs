//! The source and the sink of connectors, on servers in memory.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![forbid(unsafe_code)]

mod faulty;
mod laws;
mod lingering;
mod mutants;
mod sink;
mod source;
#[cfg(feature = "trace")]
mod traces;
