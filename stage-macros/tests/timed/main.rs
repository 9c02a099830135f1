//! `#[timed]` measures what it says, and leaves the function as it is.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::unused_async, reason = "functions are measured whether they wait or not")]

mod functions;
mod log;
mod measured;
mod scopes;
