//! Do the stage attributes do what their docs say, and do neither the user's names nor lints get in their way?
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod blocks;
mod consumers;
mod producers;
mod shadows;
mod steps;
mod support;
