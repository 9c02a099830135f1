//! Random histories of a table, compared with the model: the jobs that each lessee gets and when, and the
//! jobs left over.

use proptest::prelude::*;
use rusqlite::Connection;
use stage_sqlite::{JobId, Lease, Receipt, Return, Table};

use super::model::{Begun, Model, new_job, told};

const MOST: u32 = 3;
const VISIBILITY: i64 = 100;

#[derive(Clone, Copy, Debug)]
enum Step {
    Enqueue(Option<u8>, i32),
    /// Adds as many jobs in one call; with `n`, each `n`-th of them has a key.
    EnqueueMany(usize, usize),
    Lease(i64, usize),
    /// A handler begins the job of one of all leases so far, given by its index.
    Begin(usize),
    Acknowledge(usize),
    /// From the lease with this index among all so far, acknowledges as many in one call.
    AcknowledgeMany(usize, usize),
    Fail(usize, i64),
    Untried(usize, i64),
    Bury(usize),
    Keep(i64),
    Revive(usize),
    ReleaseAll,
    Advance(i64),
}

/// Two sources of one process, and one of another.
fn lessee() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![0, 1, 1 << 32])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (prop::option::of(0..3_u8), 0..3_i32).prop_map(|(key, priority)| Step::Enqueue(key, priority)),
        1 => (1..50_usize, 2..60_usize).prop_map(|(jobs, each)| Step::EnqueueMany(jobs, each)),
        3 => (lessee(), 1..4_usize).prop_map(|(lessee, limit)| Step::Lease(lessee, limit)),
        1 => (lessee(), 4..50_usize).prop_map(|(lessee, limit)| Step::Lease(lessee, limit)),
        2 => any::<usize>().prop_map(Step::Begin),
        2 => any::<usize>().prop_map(Step::Acknowledge),
        1 => (any::<usize>(), 1..50_usize).prop_map(|(first, jobs)| Step::AcknowledgeMany(first, jobs)),
        2 => (any::<usize>(), 0..50_i64).prop_map(|(lease, delay)| Step::Fail(lease, delay)),
        1 => (any::<usize>(), 0..50_i64).prop_map(|(lease, delay)| Step::Untried(lease, delay)),
        1 => any::<usize>().prop_map(Step::Bury),
        1 => lessee().prop_map(Step::Keep),
        1 => any::<usize>().prop_map(Step::Revive),
        1 => Just(Step::ReleaseAll),
        2 => (1..120_i64).prop_map(Step::Advance),
    ]
}

/// The table, together with its model.
struct World {
    connection: Connection,
    table: Table,
    model: Model,
    now: i64,
    leases: Vec<Receipt>,
    begun: Begun,
}

impl World {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let table = Table::new("jobs").unwrap();
        table.create(&connection).unwrap();
        let (leases, begun) = (Vec::new(), Begun::new());
        Self { connection, table, model: Model::default(), now: 1_000, leases, begun }
    }

    fn lease_of(&self, number: usize) -> Option<Receipt> {
        Some(self.leases[number.checked_rem(self.leases.len())?])
    }

    fn run(&mut self, step: Step) {
        let Self { connection, table, model, now, .. } = self;
        match step {
            Step::Enqueue(key, priority) => {
                let id = model.enqueue(key, priority);
                let ids = table.enqueue(connection, "a", [new_job(id, key, priority)], *now).unwrap();
                assert_eq!(ids, [JobId(id)]);
            }
            Step::EnqueueMany(jobs, each) => {
                let of_job = |number: usize| number.is_multiple_of(each).then_some(1);
                let mut expected = Vec::new();
                let mut add = |key| {
                    let id = model.enqueue(key, 0);
                    expected.push(JobId(id));
                    new_job(id, key, 0)
                };
                let jobs: Vec<_> = (1..=jobs).map(|number| add(of_job(number))).collect();
                assert_eq!(table.enqueue(connection, "a", jobs, *now).unwrap(), expected);
            }
            Step::Lease(lessee, limit) => self.lease(lessee, limit),
            Step::Begin(number) => {
                let Some(receipt) = self.lease_of(number) else { return };
                self.begun.insert((receipt.id.0, receipt.lease));
            }
            Step::Acknowledge(number) => {
                let Some(receipt) = self.lease_of(number) else { return };
                let was = self.model.held(receipt.id.0, receipt.lease).is_some();
                let stands = self.table.leased(&self.connection, receipt.id).unwrap();
                assert_eq!(stands.is_some_and(|stands| stands.lease == receipt.lease), was);
                assert_eq!(self.table.acknowledge(&self.connection, receipt).unwrap(), was);
                if was {
                    self.model.remove(receipt.id.0);
                }
            }
            Step::AcknowledgeMany(first, jobs) => {
                let first = first.checked_rem(self.leases.len()).unwrap_or_default();
                let receipts: Vec<_> = self.leases.iter().skip(first).take(jobs).copied().collect();
                let (mut held, model) = (receipts.clone(), &mut self.model);
                held.retain(|receipt| model.held(receipt.id.0, receipt.lease).is_some());
                let removed = self.table.acknowledge_all(&self.connection, &receipts).unwrap();
                assert_eq!(removed, held.len());
                for receipt in held {
                    model.remove(receipt.id.0);
                }
            }
            Step::Fail(number, delay) => self.give_back(number, Return::Failed("on purpose"), delay),
            Step::Untried(number, delay) => self.give_back(number, Return::Untried, delay),
            Step::Bury(number) => {
                let Some(receipt) = self.lease_of(number) else { return };
                let was = self.model.held(receipt.id.0, receipt.lease).is_some();
                assert_eq!(self.table.bury(&self.connection, receipt, "on purpose", self.now).unwrap(), was);
                if was {
                    self.model.bury(receipt.id.0, receipt.attempt);
                }
            }
            Step::Keep(lessee) => {
                let mut kept = 0;
                for job in model.jobs.iter_mut().filter(|job| job.lessee == Some(lessee)) {
                    job.due = *now + VISIBILITY;
                    kept += 1;
                }
                assert_eq!(table.keep(connection, lessee, *now + VISIBILITY).unwrap(), kept);
            }
            Step::Revive(number) => {
                let Some(index) = number.checked_rem(model.dead.len()) else { return };
                let dead = model.dead.remove(index);
                let id = model.enqueue(dead.key, dead.priority);
                assert_eq!(table.revive(connection, JobId(dead.id), *now).unwrap(), Some(JobId(id)));
            }
            Step::ReleaseAll => {
                let leased: Vec<_> = model.jobs.iter_mut().filter(|job| job.lessee.is_some()).collect();
                let mut released = table.release_all(connection, *now).unwrap();
                released.sort_unstable();
                assert_eq!(released, leased.iter().map(|job| JobId(job.id)).collect::<Vec<_>>());
                for job in leased {
                    job.lessee = None;
                    job.due = 0;
                }
            }
            Step::Advance(millis) => *now += millis,
        }
    }

    fn lease(&mut self, lessee: i64, limit: usize) {
        let (now, until) = (self.now, self.now + VISIBILITY);
        let expected = self.model.lease(lessee, limit, now, until, MOST, &self.begun);
        let lease = Lease { lane: "a", lessee, limit, now, until, attempts: MOST };
        let has_begun = |_, receipt: Receipt| self.begun.contains(&(receipt.id.0, receipt.lease));
        let leased = self.table.lease_if_begun(&self.connection, lease, has_begun).unwrap();
        assert_eq!(leased.iter().map(told).collect::<Vec<_>>(), expected);
        self.leases.extend(leased.iter().map(stage_sqlite::Job::receipt));
        self.keys_are_held_once();
    }

    fn give_back(&mut self, number: usize, how: Return<'_>, delay: i64) {
        let Some(receipt) = self.lease_of(number) else { return };
        let due = self.now + delay;
        let held = self.model.held(receipt.id.0, receipt.lease);
        let was = self.table.give_back(&self.connection, receipt, how, due).unwrap();
        assert_eq!(was, held.is_some());
        if let Some(job) = held {
            job.lessee = None;
            job.due = due;
            job.attempts = receipt.attempt - u32::from(how == Return::Untried);
            job.suspect &= how == Return::Untried;
        }
    }

    /// Checks invariant 3.
    fn keys_are_held_once(&self) {
        for key in 0..3 {
            let mut of_key = self.model.jobs.iter().filter(|job| job.key == Some(key));
            of_key.next();
            assert!(of_key.all(|later| later.lessee.is_none()), "a later job of key {key} is leased");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_random_history_of_a_table_is_that_of_the_model(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        // Jobs in another lane have no effect on this one.
        world.table.enqueue(&world.connection, "b", [new_job(0, Some(0), 9)], 0).unwrap();
        world.model.skip();
        for step in steps {
            world.run(step);
            let counts = world.table.counts(&world.connection, "a").unwrap();
            world.model.check(counts);
            prop_assert_eq!(world.table.is_empty(&world.connection, "a").unwrap(), counts.all() == 0);
        }
        let dead = world.table.dead(&world.connection, "a", usize::MAX >> 1).unwrap();
        let dead: Vec<_> = dead.iter().map(|job| (job.id.0, job.attempts)).collect();
        let expected: Vec<_> = world.model.dead.iter().map(|job| (job.id, job.attempts)).collect();
        prop_assert_eq!(dead, expected);
    }
}

#[test]
fn an_invalid_table_name_is_refused_with_the_allowed_characters() {
    let error = Table::new("jobs; DROP TABLE jobs").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid table name `jobs; DROP TABLE jobs`: expected the letters a to z, digits and `_`, starting with a letter"
    );
    assert!(Table::new("").is_err() && Table::new("1st").is_err() && Table::new("Jobs").is_err());
}

#[test]
fn a_job_that_kills_its_process_each_time_is_dead_at_last_with_the_right_count() {
    let mut world = World::new();
    world.run(Step::Enqueue(Some(1), 0));
    world.run(Step::Enqueue(Some(1), 0));
    for kill in 0..=MOST {
        world.run(Step::Lease(0, 1));
        world.run(Step::Begin(kill as usize));
        world.run(Step::Advance(VISIBILITY));
    }
    let dead = world.table.dead(&world.connection, "a", 9).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id, dead[0].attempts, dead[0].cause.as_str()), (JobId(1), MOST, "its lease ran out"));
    // The job behind it has become available.
    assert_eq!(world.leases.last().unwrap().id, JobId(2));
}

const LIMIT: usize = 10;

/// Leases jobs for a process; returns them with their attempts.
fn leased(world: &mut World, lessee: i64) -> Vec<(i64, u32)> {
    let before = world.leases.len();
    world.run(Step::Lease(lessee, LIMIT));
    world.leases[before..].iter().map(|receipt| (receipt.id.0, receipt.attempt)).collect()
}

fn world_of(jobs: usize) -> World {
    let mut world = World::new();
    (0..jobs).for_each(|_| world.run(Step::Enqueue(None, 0)));
    world
}

#[test]
fn a_job_that_kills_its_process_costs_its_batch_no_attempt() {
    const POISON: i64 = 3;
    let mut world = world_of(10);
    let mut handled = Vec::new();
    // Each process handles its jobs in order, until it reaches the one that kills it.
    for process in 0..40_i64 {
        for _ in 0..LIMIT {
            let got = leased(&mut world, process << 32);
            let receipts: Vec<_> = world.leases.iter().rev().take(got.len()).rev().copied().collect();
            let done: Vec<_> = receipts.iter().take_while(|receipt| receipt.id.0 != POISON).collect();
            let begun = receipts.iter().take(done.len() + 1);
            world.begun.extend(begun.map(|receipt| (receipt.id.0, receipt.lease)));
            for receipt in &done {
                assert!(world.table.acknowledge(&world.connection, **receipt).unwrap());
                world.model.remove(receipt.id.0);
                handled.push(receipt.id.0);
            }
            if done.len() < receipts.len() {
                break;
            }
        }
        world.run(Step::Advance(VISIBILITY));
    }
    handled.sort_unstable();
    assert_eq!(handled, (1..=10).filter(|id| *id != POISON).collect::<Vec<_>>(), "each is handled once");
    let dead = world.table.dead(&world.connection, "a", 9).unwrap();
    assert_eq!(dead.iter().map(|job| (job.id.0, job.attempts)).collect::<Vec<_>>(), [(POISON, MOST)]);
}

#[test]
fn leases_that_run_out_together_are_no_attempts_and_their_jobs_are_leased_alone() {
    let mut world = world_of(3);
    assert_eq!(leased(&mut world, 0), [(1, 1), (2, 1), (3, 1)]);
    for lost in 1..20_i64 {
        world.run(Step::Advance(VISIBILITY));
        assert_eq!(leased(&mut world, lost << 32), [(1, 1)], "only one, and at the same attempt");
        assert_eq!(leased(&mut world, lost << 32 | 1), [], "no other source of this process gets any");
        let receipt = *world.leases.last().unwrap();
        assert!(world.table.give_back(&world.connection, receipt, Return::Untried, 0).unwrap());
        let job = world.model.held(1, receipt.lease).unwrap();
        (job.lessee, job.due, job.attempts) = (None, 0, 0);
    }
    // Each process may hold one of them.
    let got = [100, 200, 300].map(|process: i64| leased(&mut world, process << 32));
    assert_eq!(got, [[(1, 1)], [(2, 1)], [(3, 1)]]);
}

#[test]
fn a_lease_that_ran_out_before_a_handler_began_its_job_is_no_attempt_even_if_the_process_held_no_other() {
    let mut world = world_of(1);
    for lost in 0..20_i64 {
        assert_eq!(leased(&mut world, lost << 32), [(1, 1)]);
        world.run(Step::Advance(VISIBILITY));
    }
    for begun in 1..=MOST {
        assert_eq!(leased(&mut world, i64::from(100 + begun) << 32), [(1, begun)]);
        world.run(Step::Begin(world.leases.len() - 1));
        world.run(Step::Advance(VISIBILITY));
        // A process that is killed in between changes nothing.
        if begun < MOST {
            assert_eq!(leased(&mut world, i64::from(200 + begun) << 32), [(1, begun + 1)]);
            world.run(Step::Advance(VISIBILITY));
        }
    }
    assert_eq!(leased(&mut world, 0), []);
    let dead = world.table.dead(&world.connection, "a", 9).unwrap();
    assert_eq!(dead.iter().map(|job| (job.id, job.attempts)).collect::<Vec<_>>(), [(JobId(1), MOST)]);
}

#[test]
fn the_jobs_of_a_killed_process_are_uncounted_once_whatever_their_lanes_and_the_moments_of_their_ends() {
    let world = World::new();
    let lanes = ["a", "b", "c"];
    for lane in lanes {
        world.table.enqueue(&world.connection, lane, [new_job(1, None, 0)], 0).unwrap();
    }
    // Every job was begun, so it is unknown which of them killed the process.
    let lease = |lane, lessee, now| {
        let lease = Lease { lane, lessee, limit: 1, now, until: now + VISIBILITY, attempts: MOST };
        let leased = world.table.lease_if_begun(&world.connection, lease, |_, _| true).unwrap();
        leased.iter().map(|job| job.attempt).collect::<Vec<_>>()
    };
    for (source, lane) in (0..).zip(lanes) {
        assert_eq!(lease(lane, source, 1_000 + 10 * source), [1]);
    }
    for (process, lane) in (1..).zip(lanes) {
        assert_eq!(lease(lane, process << 32, 1_000 + 10 * process + VISIBILITY), [1], "lane {lane}");
    }
}

#[test]
fn a_last_attempt_runs_alone_and_lets_others_pass_for_the_length_of_a_lease() {
    let mut world = world_of(1);
    for attempt in 1..MOST {
        assert_eq!(leased(&mut world, 0), [(1, attempt)]);
        world.run(Step::Fail(world.leases.len() - 1, 1));
        world.run(Step::Advance(1));
    }
    world.run(Step::Enqueue(None, -1));
    // The process holds another job, so later jobs pass for a while.
    let long = world.model.enqueue(None, 1);
    world.table.enqueue(&world.connection, "a", [new_job(long, None, 1)], 0).unwrap();
    world.run(Step::Lease(0, 1));
    assert_eq!(world.leases.last().unwrap().id.0, long);
    let long = world.leases.len() - 1;
    assert_eq!(leased(&mut world, 0), [(2, 1)]);
    world.run(Step::Enqueue(None, -1));
    world.run(Step::Advance(VISIBILITY / 2));
    world.run(Step::Keep(0));
    world.run(Step::Advance(VISIBILITY / 2));
    assert_eq!(leased(&mut world, 0), [], "it has waited for long enough");
    world.run(Step::Acknowledge(long));
    world.run(Step::Acknowledge(long + 1));
    assert_eq!(leased(&mut world, 0), [(1, MOST)]);
    assert_eq!(leased(&mut world, 0), [], "it is alone");
    world.run(Step::Acknowledge(long + 2));
    assert_eq!(leased(&mut world, 0), [(4, 1)]);
}

#[test]
fn every_number_of_jobs_can_be_asked_for() {
    let mut world = world_of(3);
    world.run(Step::Lease(0, usize::MAX));
    (0..3).for_each(|lease| world.run(Step::Bury(lease)));
    assert_eq!(world.table.dead(&world.connection, "a", usize::MAX).unwrap().len(), 3);
}

const HOUR: i64 = 3_600_000;

/// Leases jobs at `now` for a process that checks the clock first, as a queue does.
fn leased_at(world: &World, lessee: i64, now: i64) -> Vec<i64> {
    world.table.look_at_time(&world.connection, now).unwrap();
    let lease = Lease { lane: "a", lessee, limit: LIMIT, now, until: now + VISIBILITY, attempts: MOST };
    let leased = world.table.lease(&world.connection, lease).unwrap();
    world.table.note_time(&world.connection, now).unwrap();
    leased.iter().map(|job| job.id.0).collect()
}

#[test]
fn a_job_without_a_delay_is_leased_at_any_clock_time() {
    let world = World::new();
    world.table.enqueue(&world.connection, "a", [new_job(1, None, 0)], 9 * HOUR).unwrap();
    assert_eq!(leased_at(&world, 0, HOUR), [1]);
    let receipt = world.table.leased(&world.connection, JobId(1)).unwrap().unwrap();
    world.table.bury(&world.connection, receipt, "on purpose", HOUR).unwrap();
    assert_eq!(world.table.revive(&world.connection, JobId(1), 9 * HOUR).unwrap(), Some(JobId(2)));
    assert_eq!(leased_at(&world, 0, HOUR), [2]);
    world.table.release_all(&world.connection, 9 * HOUR).unwrap();
    assert_eq!(leased_at(&world, 0, HOUR), [2]);
}

#[test]
fn the_jobs_of_a_dead_process_come_back_in_time_when_the_clock_was_set_back_by_an_hour() {
    let world = world_of(1);
    assert_eq!(leased_at(&world, 0, 2 * HOUR), [1]);
    assert!(leased_at(&world, 1 << 32, HOUR).is_empty());
    assert!(leased_at(&world, 1 << 32, HOUR + VISIBILITY - 1).is_empty());
    assert_eq!(leased_at(&world, 1 << 32, HOUR + VISIBILITY), [1]);
}

#[test]
fn a_job_waiting_for_a_retry_waits_no_longer_after_the_clock_was_set_back() {
    let world = world_of(1);
    assert_eq!(leased_at(&world, 0, 2 * HOUR), [1]);
    let receipt = world.table.leased(&world.connection, JobId(1)).unwrap().unwrap();
    world.table.give_back(&world.connection, receipt, Return::Failed("no"), 2 * HOUR + 5_000).unwrap();
    assert!(leased_at(&world, 0, HOUR).is_empty());
    assert!(leased_at(&world, 0, HOUR + 4_999).is_empty());
    assert_eq!(leased_at(&world, 0, HOUR + 5_000), [1]);
}
