//! The law of a flow: its results are those of one process; and mutants that break it.

use stage_core::testing::Sim;
use stage_edge::flow::Mutant;
use stage_edge::memory::{Fault, MemoryEdge, Network};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::machine::{self, Results};
use super::plan::{self, verdict};
use super::sales::{Sale, Sums, WAYS, of_one_process, sales, ways, windowed};
use crate::chance::Chance;
use crate::laws::seeds;
use crate::machine::{Machine, SECOND};
use crate::trouble::{Trouble, troubled};

/// The number of sales of each way.
const EACH: u64 = 150;

/// The faults of a run.
#[derive(Clone, Copy, Debug)]
enum Fate {
    OfMachine(Trouble),
    /// A way begins again with its first event.
    SenderCrash,
    SenderCut,
    LostAnswersOfSender,
}

fn all() -> Vec<Fate> {
    let of_machines = Trouble::ALL.map(Fate::OfMachine).into_iter();
    of_machines.chain([Fate::SenderCrash, Fate::SenderCut, Fate::LostAnswersOfSender]).collect()
}

type Plan = plan::Plan<Fate>;

/// Sends the sales of a way from the first one on.
fn send(server: &MemoryEdge, plan: &Plan, way: u32, sales: Vec<Sale>, mut chance: Chance) -> JoinHandle<()> {
    let ways = ways(server.machine(format!("way{way}")), plan.spec.clone());
    let pace = plan.pace;
    tokio::spawn(async move {
        let mut way = ways.open(way).await.expect("an edge");
        for sale in sales {
            sleep(chance.millis(pace)).await;
            way.send(sale).await.expect("a server");
            if chance.below(30) == 0 {
                sleep(chance.millis(500)).await;
            }
        }
        way.end().await.expect("a server");
    })
}

/// Runs machines under faults, and returns the violations of the law.
async fn run(
    server: MemoryEdge,
    plan: Plan,
    mut chance: Chance,
    input: Vec<Vec<Sale>>,
    expected: Sums,
) -> Vec<String> {
    let results = Results::default();
    let start = async |name: String| {
        let make = |edge| {
            let windowed = windowed(edge, plan.spec.clone()).snapshot_every(plan.snapshots);
            match plan.mutant {
                Some(mutant) => windowed.with_mutant(mutant),
                None => windowed,
            }
        };
        machine::start(&server, &name, &results, plan.time, make).await
    };
    let mut machines = Vec::new();
    for number in 0..3 {
        machines.push(start(format!("m{number}")).await);
    }
    let sender = |way: usize, seed: u64| {
        let number = u32::try_from(way).expect("few");
        send(&server, &plan, number, input[way].clone(), Chance::seeded(seed))
    };
    let mut senders: Vec<_> = (0..input.len()).map(|way| sender(way, chance.below(u64::MAX))).collect();
    for number in 0..8 {
        sleep(chance.millis(3000)).await;
        let place = chance.place(3);
        let way = chance.place(WAYS as usize);
        let from = server.machine(format!("way{way}"));
        match *chance.choose(&plan.troubles) {
            Fate::OfMachine(trouble) => {
                let next = async || start(format!("m{}", 3 + number)).await;
                trouble.happen(&server, &mut machines[place], &mut chance, next).await;
            }
            Fate::SenderCrash => {
                senders[way].abort();
                senders[way] = sender(way, chance.below(u64::MAX));
            }
            Fate::SenderCut => troubled(from, Network::Down, chance.millis(3000)),
            Fate::LostAnswersOfSender => from.lose_answers(1),
        }
    }
    let ends = async {
        for sender in senders {
            sender.await.expect("a sender");
        }
        server.until(|server| server.frames("sales") == 0).await;
    };
    let faults = verdict(&server, &results, &expected, 200 * SECOND, ends).await;
    machines.into_iter().for_each(Machine::crash);
    faults
}

fn simulate(seed: u64, server: impl FnOnce() -> MemoryEdge, adapt: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut chance = Chance::seeded(seed);
    let mut plan = Plan::seeded(&mut chance, all());
    adapt(&mut plan);
    let input = sales(&mut chance, EACH);
    let expected = of_one_process(input.clone());
    Sim::seeded(seed).run(run(server(), plan, chance, input, expected))
}

#[test]
fn the_results_are_those_of_one_process_whatever_fails() {
    for seed in 0..seeds() {
        let faults = simulate(seed, MemoryEdge::new, |_| {});
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}

/// Asserts that some seed finds the mutant.
#[track_caller]
fn assert_caught(server: fn() -> MemoryEdge, adapt: impl Fn(&mut Plan)) {
    plan::assert_caught(|seed| simulate(seed, server, &adapt));
}

fn with(mutant: Mutant, trouble: Fate) -> impl Fn(&mut Plan) {
    move |plan: &mut Plan| {
        plan.mutant = Some(mutant);
        plan.troubles = vec![trouble];
        plan.snapshots = SECOND;
        plan.time = SECOND / 100;
        plan.pace = 300;
    }
}

#[test]
fn acknowledgements_before_the_snapshot_are_caught() {
    assert_caught(MemoryEdge::new, with(Mutant::AcknowledgesFirst, Fate::OfMachine(Trouble::Crash)));
}

#[test]
fn numbers_that_are_not_compared_are_caught() {
    assert_caught(MemoryEdge::new, with(Mutant::ForgetsPlaces, Fate::SenderCrash));
}

#[test]
fn a_snapshot_before_its_results_is_caught() {
    assert_caught(MemoryEdge::new, with(Mutant::SnapshotsFirst, Fate::OfMachine(Trouble::Crash)));
}

#[test]
fn a_server_that_loses_snapshots_is_caught() {
    let crashes = |plan: &mut Plan| plan.troubles = vec![Fate::OfMachine(Trouble::Crash)];
    assert_caught(|| MemoryEdge::with_fault(Fault::LosesNotes), crashes);
}

/// A frame that is stored twice has the same numbers.
#[test]
fn a_server_that_forgets_the_ids_of_frames_changes_nothing() {
    for seed in 0..seeds() / 10 {
        let faults = simulate(seed, || MemoryEdge::with_fault(Fault::ForgetsIds), |_| {});
        assert!(faults.is_empty(), "seed {seed}: {faults:#?}");
    }
}
