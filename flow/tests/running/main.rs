//! Flows in the programs that run them: where they may block, what they may use, how they are held back and stopped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocking;
mod held;
mod sockets;

use stage_core::testing::{Sim, settle};
use tokio::runtime::Handle;

/// In how many orders of its stages a case runs.
const ORDERS: u64 = 12;

/// Runs a case again and again, with the stages of its flows in another order each time.
fn in_any_order<F: Future<Output = ()>>(case: impl Fn() -> F) {
    for seed in 0..ORDERS {
        Sim::seeded(seed).run(case());
    }
}

/// When everything waits, no task is left but the test.
async fn no_task_is_left() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    // A stage that has ended is noticed by a task that has to run once more.
    for _ in 0..10 {
        settle().await;
        if alive() == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(alive(), 0);
}
