//! Does any flow give what a plain loop over the same input gives?
//!
//! A few hundred random flows in the default run; `FLOW_CASES=10000 cargo test -p tests --test flow properties` for more.

mod order;
mod program;
mod sessions;
mod steps;
mod timed;
mod windows;

use proptest::test_runner::Config;

/// How many random flows each property is tried on.
fn config() -> Config {
    let cases = std::env::var("FLOW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() }
}
