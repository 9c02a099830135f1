//! Tests of Parquet files as sources and results of flows.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod files;
#[cfg(feature = "objects")]
mod objects;
mod support;
mod written;
