//! Configuration from outside: pipelines run with the given options, and all errors in them are reported.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod effects;
mod kinds;
mod mistakes;
mod places;
mod shown;
mod support;
