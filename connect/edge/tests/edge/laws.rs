//! The laws of an edge, under faults in an order determined by a seed; and mutants, each of which breaks one of them.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use stage_core::testing::Sim;
use stage_edge::EdgeSpec;
use stage_edge::memory::{Fault, MemoryEdge, Network};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::machine::{Machine, SECOND, Work, events, sender, spec};
use crate::recorder::Records;
use crate::trouble::{Trouble, troubled};

const KEYS: u32 = 12;
const EACH: u32 = 12;

/// The number of seeds: a few, or as many as the variable says.
pub(crate) fn seeds() -> u64 {
    env::var("EDGE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200)
}

/// The faults of a run.
#[derive(Clone, Copy, Debug)]
enum Fate {
    OfMachine(Trouble),
    LostAnswersOfSender,
    SenderCut,
}

fn all() -> Vec<Fate> {
    let of_machines = Trouble::ALL.map(Fate::OfMachine).into_iter();
    of_machines.chain([Fate::LostAnswersOfSender, Fate::SenderCut]).collect()
}

/// The properties of a run.
#[derive(Clone, Debug)]
struct Plan {
    spec: EdgeSpec,
    troubles: Vec<Fate>,
    count: u64,
    time: Duration,
    /// Each event with such a key fails once.
    fails: Option<u32>,
    checks_owner: bool,
}

impl Plan {
    fn seeded(chance: &mut Chance) -> Self {
        let spec = spec()
            .frames_kept(chance.some(6))
            .frame_bytes(*chance.choose(&[1, 100, 120, 1000]))
            .attempts(100);
        let time = *chance.choose(&[Duration::ZERO, SECOND / 100, SECOND / 10]);
        let fails = *chance.choose(&[None, Some(3)]);
        Self { spec, troubles: all(), count: 6, time, fails, checks_owner: false }
    }
}

/// Runs machines under faults, and returns the laws that were broken.
async fn run(server: MemoryEdge, plan: Plan, mut chance: Chance) -> Vec<String> {
    let work = Work {
        records: Records::default(),
        time: plan.time,
        fails: plan.fails,
        checks_owner: plan.checks_owner,
    };
    let mut machines = Vec::new();
    for number in 0..3 {
        machines.push(Machine::start(&server, &format!("m{number}"), &plan.spec, &work).await);
    }
    let (sending, queue) = sender(&server, &plan.spec, events(KEYS, EACH)).await;
    let total = (KEYS * EACH) as usize;
    for number in 0..plan.count {
        sleep(chance.millis(3000)).await;
        let place = chance.place(3);
        match *chance.choose(&plan.troubles) {
            Fate::OfMachine(trouble) => {
                let name = format!("m{}", 3 + number);
                let next = async || Machine::start(&server, &name, &plan.spec, &work).await;
                trouble.happen(&server, &mut machines[place], &mut chance, next).await;
            }
            Fate::LostAnswersOfSender => server.machine("sender").lose_answers(1),
            Fate::SenderCut => troubled(server.machine("sender"), Network::Down, chance.millis(3000)),
        }
    }
    let mut faults = Vec::new();
    let ends = async {
        work.records.until(total).await;
        queue.until(|counts| counts.all() == 0).await;
        server.until(|server| server.frames("orders") == 0).await;
    };
    if timeout(600 * SECOND, ends).await.is_err() {
        let (distinct, left) = (work.records.distinct(), server.frames("orders"));
        faults.push(format!("{distinct} of {total} events were handled, {left} frames remain"));
    }
    faults.extend(work.records.faults());
    if server.most_frames("orders") > plan.spec.frames_kept as usize {
        faults.push(format!("a partition held {} frames", server.most_frames("orders")));
    }
    if !server.dead_letters().is_empty() {
        faults.push(format!("{:?}", server.dead_letters()));
    }
    drop(sending.stop().await);
    machines.into_iter().for_each(Machine::crash);
    faults
}

fn simulate(seed: u64, server: impl FnOnce() -> MemoryEdge, adapt: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut chance = Chance::seeded(seed);
    let mut plan = Plan::seeded(&mut chance);
    adapt(&mut plan);
    Sim::seeded(seed).run(run(server(), plan, chance))
}

#[test]
fn every_event_is_handled_in_the_order_of_its_key_whatever_fails() {
    for seed in 0..seeds() {
        let faults = simulate(seed, MemoryEdge::new, |_| {});
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

/// The plan of runs in which each event is a frame, so that the time of its arrival is that of its frame.
fn zombies(plan: &mut Plan) {
    plan.troubles = [Trouble::Zombie, Trouble::Still].map(Fate::OfMachine).to_vec();
    plan.spec = plan.spec.clone().frame_bytes(1).frames_kept(6);
    plan.checks_owner = true;
    plan.fails = None;
    plan.time = SECOND / 2;
}

#[test]
fn a_machine_that_cannot_renew_its_leases_hands_out_nothing_after_them() {
    for seed in 0..seeds() / 10 {
        let faults = simulate(seed, MemoryEdge::new, zombies);
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

/// Asserts that some seed finds the mutant.
#[track_caller]
fn assert_caught(mutant: Fault, expected: &str, adapt: impl Fn(&mut Plan)) {
    let mut others = Vec::new();
    for seed in 0..60 {
        let run = || simulate(seed, || MemoryEdge::with_fault(mutant), &adapt);
        let faults = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| vec!["a panic".to_owned()]);
        if faults.iter().any(|fault| fault.contains(expected)) {
            return;
        }
        others.extend(faults.into_iter().take(1));
    }
    panic!("{mutant:?} was not caught; found instead: {others:#?}");
}

#[test]
fn an_edge_that_forgets_frames_in_hand_is_caught() {
    let crashes = |plan: &mut Plan| {
        plan.troubles = vec![Fate::OfMachine(Trouble::Crash)];
        plan.time = SECOND / 10;
    };
    assert_caught(Fault::AcknowledgesOnPull, "events were handled", crashes);
}

#[test]
fn an_edge_that_loses_frames_when_it_is_full_is_caught() {
    assert_caught(Fault::DropsWhenFull, "events were handled", |plan| plan.time = SECOND / 10);
}

#[test]
fn an_edge_that_changes_the_order_is_caught() {
    assert_caught(Fault::DeliversLastFirst, "before number", |_| {});
}

#[test]
fn an_edge_without_a_bound_is_caught() {
    assert_caught(Fault::IsNeverFull, "a partition held", |plan| plan.time = SECOND / 10);
}

#[test]
fn a_machine_that_believes_in_a_lost_lease_is_caught() {
    assert_caught(Fault::RenewsBlindly, "its owner is", zombies);
}
