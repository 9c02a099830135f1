//! The source and the sink of connectors, on servers in memory.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![forbid(unsafe_code)]

mod laws;
mod mutants;
