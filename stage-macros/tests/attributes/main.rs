//! The stage attributes do what their docs say, and work beside any names and lints of the user.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::extra_unused_lifetimes,
    clippy::needless_lifetimes,
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_unit,
    reason = "functions take and return their events in every way a function can"
)]

mod blocks;
mod consumers;
mod producers;
mod shadows;
mod steps;
mod support;
