//! A model of the queue in plain Rust: a list of jobs, scanned from the beginning each time.

use std::collections::BTreeSet;

use stage_postgres::Counts;

/// A job that is not done.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) key: Option<u8>,
    pub(crate) priority: i32,
    pub(crate) held: Held,
    pub(crate) leases: i64,
    pub(crate) attempts: u32,
    /// Its lease ran out, and no failure has followed.
    pub(crate) alone: bool,
    /// The attempt of its current lease was taken back.
    pub(crate) uncounted: bool,
}

/// Who can settle a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// No process: it waits.
    No,
    /// No process, until an hour has passed.
    Delayed,
    /// A process.
    By(usize),
    /// A process whose lease is over, but not noticed by anybody.
    Over(usize),
    /// Its last process, until it is leased again.
    Formerly,
}

impl Entry {
    fn process(&self) -> Option<usize> {
        match self.held {
            Held::By(process) | Held::Over(process) => Some(process),
            Held::No | Held::Delayed | Held::Formerly => None,
        }
    }

    fn is_free(&self) -> bool {
        matches!(self.held, Held::No | Held::Formerly)
    }
}

/// The model of the queue.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) jobs: Vec<Entry>,
    pub(crate) dead: Vec<(i64, u32)>,
    last: i64,
}

impl Model {
    pub(crate) fn enqueue(&mut self, key: Option<u8>, priority: i32) -> i64 {
        self.last += 1;
        let id = self.last;
        let held = Held::No;
        self.jobs.push(Entry {
            id,
            key,
            priority,
            held,
            leases: 0,
            attempts: 0,
            alone: false,
            uncounted: false,
        });
        id
    }

    /// Leases jobs to a process; returns their numbers, attempts and leases.
    pub(crate) fn lease(&mut self, process: usize, limit: usize, most: u32) -> Vec<(i64, u32, i64)> {
        self.see_to_those_that_ran_out();
        loop {
            let taken = self.take(process, limit);
            let is_worn_out = |(id, attempt, _): &(i64, u32, i64)| {
                *attempt > most && self.jobs.iter().any(|job| job.id == *id && job.alone)
            };
            let Some((id, attempt, _)) = taken.iter().copied().find(is_worn_out) else { return taken };
            self.bury(id, attempt - 1);
        }
    }

    fn take(&mut self, process: usize, limit: usize) -> Vec<(i64, u32, i64)> {
        let is_first = |job: &Entry| {
            job.key.is_none() || self.jobs.iter().all(|other| other.key != job.key || other.id >= job.id)
        };
        let mut next: Vec<(i32, u32, i64, bool)> = self
            .jobs
            .iter()
            .filter(|job| job.is_free() && is_first(job))
            .map(|job| (-job.priority, job.attempts, job.id, job.alone))
            .collect();
        next.sort_unstable();
        let hand: Vec<_> = self.jobs.iter().filter(|job| job.process() == Some(process)).collect();
        match next.first() {
            _ if hand.iter().any(|job| job.alone) => next.clear(),
            Some((.., true)) if hand.is_empty() => next.truncate(1),
            // No job waits as long as a lease lasts here.
            _ => next.retain(|(.., alone)| !alone),
        }
        next.truncate(limit);
        let take = |(_, _, id, _): &(i32, u32, i64, bool)| {
            let job = self.jobs.iter_mut().find(|job| job.id == *id).unwrap();
            (job.held, job.uncounted) = (Held::By(process), false);
            (job.leases, job.attempts) = (job.leases + 1, job.attempts + 1);
            (job.id, job.attempts, job.leases)
        };
        next.iter().map(take).collect()
    }

    fn see_to_those_that_ran_out(&mut self) {
        let over = |job: &Entry| matches!(job.held, Held::Over(_));
        let processes: BTreeSet<_> =
            self.jobs.iter().filter(|job| over(job)).filter_map(Entry::process).collect();
        for process in processes {
            let held = self.jobs.iter_mut().filter(|job| job.process() == Some(process));
            let mut held: Vec<_> = held.collect();
            if held.len() > 1 {
                for job in held.iter_mut().filter(|job| !job.uncounted) {
                    job.attempts -= 1;
                    (job.alone, job.uncounted) = (true, true);
                }
            }
        }
        for job in self.jobs.iter_mut().filter(|job| over(job)) {
            (job.held, job.alone) = (Held::Formerly, true);
        }
    }

    /// Returns the job, if this lease can settle it.
    pub(crate) fn held(&mut self, id: i64, lease: i64) -> Option<&mut Entry> {
        let held = |job: &&mut Entry| !matches!(job.held, Held::No | Held::Delayed);
        self.jobs.iter_mut().find(|job| job.id == id && job.leases == lease).filter(held)
    }

    pub(crate) fn remove(&mut self, id: i64) {
        self.jobs.retain(|job| job.id != id);
    }

    pub(crate) fn bury(&mut self, id: i64, attempts: u32) {
        self.remove(id);
        self.dead.push((id, attempts));
        self.dead.sort_unstable();
    }

    pub(crate) fn check(&self, counts: Counts, seed: u64) {
        let leased = self.jobs.iter().filter(|job| job.process().is_some()).count() as u64;
        let expected = (self.jobs.len() as u64 - leased, leased, self.dead.len() as u64);
        assert_eq!((counts.waiting, counts.leased, counts.dead), expected, "seed {seed}: {self:#?}");
    }
}
