//! Comparison of random flows with a plain loop over the same input.
//!
//! The default run has a few hundred random flows; `FLOW_CASES=10000 cargo test -p tests --test flow_properties`
//! has more.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "flows give functions their events by reference")]

mod order;
mod program;
mod sessions;
mod steps;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the cases of other programs use the rest")]
mod support;
mod timed;
mod windows;

use proptest::test_runner::Config;

/// Returns the number of random flows for each property.
fn config() -> Config {
    let cases = std::env::var("FLOW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() }
}
