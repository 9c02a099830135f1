//! Tests of flows in the programs that run them: where they may block, which resources they use, and
//! how they are held back and stopped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocking;
mod held;
mod kept;
mod sockets;

use stage_core::testing::{Sim, settle};
use tokio::runtime::Handle;

/// The number of stage orders in which a case runs.
const ORDERS: u64 = 12;

/// Runs a case repeatedly, with the stages of its flows in a different order each time.
fn in_any_order<F: Future<Output = ()>>(case: impl Fn() -> F) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(case());
    }
}

/// Asserts that the test is the only task left once all tasks wait.
async fn no_task_is_left() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    // The task that observes the end of a stage must run once more.
    for _ in 0..10 {
        settle().await;
        if alive() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(alive(), 0);
}
