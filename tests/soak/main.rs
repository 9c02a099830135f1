//! Soak test: full speed, while stages subscribe, leave and crash a thousand times a second.
//!
//! Four parts run side by side on one runtime, each with permanent stages that never wait and drivers that
//! start short-lived stages and end them in every possible way ([`fate`]):
//!
//! ```text
//!   shared      a pipeline; consumers at its source and its step, and the step itself, come and go
//!   partitions  one producer; the consumers of its partitions come and go
//!   broadcast   one producer, one standing consumer; others come and go
//!   producers   one standing consumer; its producers come and go
//! ```
//!
//! Each part checks that no event was lost uncounted, and all except the first that order was kept. At the
//! end no task is left, and the resident memory of the second half is that of the first. The test runs for
//! `SOAK_SECONDS`, by default three:
//!
//! ```sh
//! SOAK_SECONDS=600 cargo test --release -p tests --test soak -- --nocapture
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod broadcast;
mod count;
mod fate;
mod memory;
mod pace;
mod partitions;
mod producers;
mod shared;

use std::{env, time::Duration};

use tokio::{
    runtime::Handle,
    task::yield_now,
    time::{Instant, timeout},
};

use memory::Memory;
use pace::{Pace, Tally};

/// Maximum duration of a life, and of the end.
const PATIENCE: Duration = Duration::from_secs(30);

fn duration() -> Duration {
    let seconds = env::var("SOAK_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(3))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_come_and_go_at_full_speed_and_nothing_is_lost_or_left() {
    let duration = duration();
    let tasks = Handle::current().metrics().num_alive_tasks();
    let began = Instant::now();
    let pace = Pace::until(began + duration);
    let memory = Memory::watch(began + duration);
    let grounds = async {
        tokio::join!(
            tokio::spawn(shared::run(pace)),
            tokio::spawn(partitions::run(pace)),
            tokio::spawn(broadcast::run(pace)),
            tokio::spawn(producers::run(pace)),
        )
    };
    let (shared, partitions, broadcast, producers) =
        timeout(duration + 2 * PATIENCE, grounds).await.expect("every life and every ground ends");
    let took = began.elapsed();
    let mut all = Tally::default();
    for (ground, tally) in
        [("shared", shared), ("partitions", partitions), ("broadcast", broadcast), ("producers", producers)]
    {
        let tally = tally.unwrap();
        println!("{ground:>10}: {tally}");
        assert!(tally.events > 0 && tally.lives > 0, "nothing happened in {ground}");
        all += tally;
    }
    println!("{:>10}: {all} in {:.1} s", "together", took.as_secs_f64());
    let (speed, changes) = (all.speed(took), all.changes(took));
    println!("{:>10}: {speed} events, {changes} subscribes, cancels and crashes a second", "");
    println!("{:>10}: {memory}", "memory");
    memory.assert_flat();
    let settled = async {
        while Handle::current().metrics().num_alive_tasks() > tasks {
            yield_now().await;
        }
    };
    let left = timeout(PATIENCE, settled).await;
    assert!(
        left.is_ok(),
        "{} tasks at the end, {tasks} at the start",
        Handle::current().metrics().num_alive_tasks()
    );
}
