//! Random histories of a table, against the model: who gets which job when, and what is left.

use proptest::prelude::*;
use rusqlite::Connection;
use stage_core::sqlite::{JobId, Lease, Receipt, Return, Table};

use super::model::{Model, new_job, told};

const MOST: u32 = 3;
const VISIBILITY: i64 = 100;

#[derive(Clone, Copy, Debug)]
enum Step {
    Enqueue(Option<u8>, i32),
    Lease(i64, usize),
    /// To one of the leases there ever were, by its number.
    Acknowledge(usize),
    Fail(usize, i64),
    Untried(usize, i64),
    Bury(usize),
    Keep(i64),
    Revive(usize),
    ReleaseAll,
    Advance(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (prop::option::of(0..3_u8), 0..3_i32).prop_map(|(key, priority)| Step::Enqueue(key, priority)),
        3 => (0..2_i64, 1..4_usize).prop_map(|(lessee, limit)| Step::Lease(lessee, limit)),
        2 => any::<usize>().prop_map(Step::Acknowledge),
        2 => (any::<usize>(), 0..50_i64).prop_map(|(lease, delay)| Step::Fail(lease, delay)),
        1 => (any::<usize>(), 0..50_i64).prop_map(|(lease, delay)| Step::Untried(lease, delay)),
        1 => any::<usize>().prop_map(Step::Bury),
        1 => (0..2_i64).prop_map(Step::Keep),
        1 => any::<usize>().prop_map(Step::Revive),
        1 => Just(Step::ReleaseAll),
        2 => (1..120_i64).prop_map(Step::Advance),
    ]
}

/// The table, and beside it the model.
struct World {
    connection: Connection,
    table: Table,
    model: Model,
    now: i64,
    leases: Vec<Receipt>,
}

impl World {
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let table = Table::new("jobs").unwrap();
        table.create(&connection).unwrap();
        Self { connection, table, model: Model::default(), now: 1_000, leases: Vec::new() }
    }

    fn lease_of(&self, number: usize) -> Option<Receipt> {
        Some(self.leases[number.checked_rem(self.leases.len())?])
    }

    fn run(&mut self, step: Step) {
        let Self { connection, table, model, now, .. } = self;
        match step {
            Step::Enqueue(key, priority) => {
                let id = model.enqueue(key, priority, *now);
                let ids = table.enqueue(connection, "a", [new_job(id, key, priority)], *now).unwrap();
                assert_eq!(ids, [JobId(id)]);
            }
            Step::Lease(lessee, limit) => self.lease(lessee, limit),
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
            Step::Fail(number, delay) => self.give_back(number, Return::Failed("on purpose"), delay),
            Step::Untried(number, delay) => self.give_back(number, Return::Untried, delay),
            Step::Bury(number) => {
                let Some(receipt) = self.lease_of(number) else { return };
                let was = self.model.held(receipt.id.0, receipt.lease).is_some();
                assert_eq!(self.table.bury(&self.connection, receipt, "on purpose", self.now).unwrap(), was);
                if was {
                    self.model.bury(receipt.id.0);
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
                let id = model.enqueue(dead.key, dead.priority, *now);
                assert_eq!(table.revive(connection, JobId(dead.id), *now).unwrap(), Some(JobId(id)));
            }
            Step::ReleaseAll => {
                let leased: Vec<_> = model.jobs.iter_mut().filter(|job| job.lessee.is_some()).collect();
                let mut released = table.release_all(connection, *now).unwrap();
                released.sort_unstable();
                assert_eq!(released, leased.iter().map(|job| JobId(job.id)).collect::<Vec<_>>());
                for job in leased {
                    job.lessee = None;
                    job.due = *now;
                }
            }
            Step::Advance(millis) => *now += millis,
        }
    }

    fn lease(&mut self, lessee: i64, limit: usize) {
        let (now, until) = (self.now, self.now + VISIBILITY);
        let expected = self.model.lease(lessee, limit, now, until, MOST);
        let lease = Lease { lane: "a", lessee, limit, now, until, attempts: MOST };
        let leased = self.table.lease(&self.connection, lease).unwrap();
        assert_eq!(leased.iter().map(told).collect::<Vec<_>>(), expected);
        self.leases.extend(leased.iter().map(stage_core::sqlite::Job::receipt));
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
            job.attempts -= u32::from(how == Return::Untried);
        }
    }

    /// Invariant 3, in words of its own.
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
        // What happens in another lane happens to nobody here.
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
fn a_name_that_is_no_table_is_refused_with_what_is_legal() {
    let error = Table::new("jobs; DROP TABLE jobs").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the table name `jobs; DROP TABLE jobs` is not of the letters a to z, digits and `_`, beginning with a letter"
    );
    assert!(Table::new("").is_err() && Table::new("1st").is_err() && Table::new("Jobs").is_err());
}

#[test]
fn a_job_that_kills_its_process_each_time_is_dead_at_last_with_the_right_count() {
    let mut world = World::new();
    world.run(Step::Enqueue(Some(1), 0));
    world.run(Step::Enqueue(Some(1), 0));
    for _ in 0..=MOST {
        world.run(Step::Lease(0, 1));
        world.run(Step::Advance(VISIBILITY));
    }
    let dead = world.table.dead(&world.connection, "a", 9).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].id, dead[0].attempts, dead[0].cause.as_str()), (JobId(1), MOST, "its lease ran out"));
    // The one behind it was let go.
    assert_eq!(world.leases.last().unwrap().id, JobId(2));
}
