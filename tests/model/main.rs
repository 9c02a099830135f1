//! Model test of whole topologies: small random ones, with random histories, in seeded order, are checked
//! against a reference model that keeps accounts instead of running stages.
//!
//! A failure prints its seed, the topology and the history; `run` with that seed replays it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod history;
mod pipelines;
mod random;
mod reference;
mod stages;
mod topology;

use random::Random;
use stage_core::testing::Sim;
use topology::Topology;

/// Number of topologies; about 3 ms each in a debug build.
const SEEDS: u64 = 4_000;

fn run(seed: u64) -> Vec<usize> {
    let sim = Sim::seeded(seed);
    sim.run(async {
        let mut random = Random::new(seed);
        let mut topology = Topology::random(&mut random).await;
        let told = history::play(&mut topology, &mut random).await;
        if let Err(broken) = reference::check(&topology).await {
            panic!("seed {seed}: {broken}\n\n{topology}\n{}\n", told.join("\n"));
        }
    });
    sim.turns()
}

#[test]
fn random_topologies_with_random_histories_keep_the_rules() {
    for seed in 0..SEEDS {
        run(seed);
    }
}

#[test]
fn a_history_replays() {
    for seed in [1, 42, 4_711] {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
