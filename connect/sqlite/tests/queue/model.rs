//! A model of the queue in plain Rust: a list of jobs, scanned from the beginning each time.

use std::collections::BTreeSet;

use stage_sqlite::{Counts, Job, NewJob};

/// A job that is not done.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) key: Option<u8>,
    pub(crate) priority: i32,
    pub(crate) due: i64,
    pub(crate) lessee: Option<i64>,
    pub(crate) leases: i64,
    pub(crate) attempts: u32,
    /// Its lease ran out, and no verdict has followed.
    pub(crate) suspect: bool,
    /// The attempt of its current lease was taken back.
    pub(crate) uncounted: bool,
}

/// The leases whose jobs a handler has begun: numbers of jobs and of leases.
pub(crate) type Begun = BTreeSet<(i64, i64)>;

/// The lessee of leases that ran out.
const NOBODY: i64 = i64::MIN;

/// Returns the process of a source: the upper half of its number.
const fn process(lessee: i64) -> i64 {
    lessee >> 32
}

impl Entry {
    fn is_of(&self, of: i64) -> bool {
        self.lessee.is_some_and(|lessee| process(lessee) == of)
    }

    /// Returns whether the job must be alone on this attempt.
    fn is_alone(&self, attempts: u32, most: u32) -> bool {
        self.suspect || most > 1 && attempts >= most
    }
}

/// The model of the queue.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) jobs: Vec<Entry>,
    pub(crate) dead: Vec<Entry>,
    last: i64,
}

/// Creates a job with a key as the queue stores it.
pub(crate) fn new_job(id: i64, key: Option<u8>, priority: i32) -> NewJob {
    let job = NewJob::new(id.to_string()).priority(priority);
    match key {
        Some(key) => job.key([key]),
        None => job,
    }
}

impl Model {
    pub(crate) fn enqueue(&mut self, key: Option<u8>, priority: i32) -> i64 {
        self.last += 1;
        let id = self.last;
        self.jobs.push(Entry {
            id,
            key,
            priority,
            due: 0,
            lessee: None,
            leases: 0,
            attempts: 0,
            suspect: false,
            uncounted: false,
        });
        id
    }

    /// Skips a number that is used in another lane.
    pub(crate) fn skip(&mut self) {
        self.last += 1;
    }

    pub(crate) fn lease(
        &mut self,
        lessee: i64,
        limit: usize,
        now: i64,
        until: i64,
        most: u32,
        begun: &Begun,
    ) -> Vec<(i64, u32, i64)> {
        self.see_to_those_that_ran_out(now, most, begun);
        let is_first = |job: &Entry| {
            job.key.is_none() || self.jobs.iter().all(|other| other.key != job.key || other.id >= job.id)
        };
        let mut next: Vec<(i32, u32, i64)> = self
            .jobs
            .iter()
            .filter(|job| job.due <= now && is_first(job))
            .map(|job| (-job.priority, job.attempts, job.id))
            .collect();
        next.sort_unstable();
        let held: Vec<_> =
            self.jobs.iter().filter(|job| job.is_of(process(lessee)) && job.due > now).collect();
        let alone = |id: i64| {
            let job = self.jobs.iter().find(|job| job.id == id).unwrap();
            (job.is_alone(job.attempts + 1, most), job.due == 0 || now - job.due >= until - now)
        };
        match (&held[..], next.first().map(|(.., id)| alone(*id))) {
            ([only], _) if only.is_alone(only.attempts, most) => next.clear(),
            ([], Some((true, _))) => next.truncate(1),
            ([_, ..], Some((true, true))) => next.clear(),
            _ => next.retain(|(.., id)| !alone(*id).0),
        }
        next.truncate(limit);
        let take = |(_, _, id): &(i32, u32, i64)| {
            let job = self.jobs.iter_mut().find(|job| job.id == *id).unwrap();
            job.lessee = Some(lessee);
            job.due = until;
            job.leases += 1;
            job.attempts += 1;
            job.uncounted = false;
            (job.id, job.attempts, job.leases)
        };
        next.iter().map(take).collect()
    }

    fn see_to_those_that_ran_out(&mut self, now: i64, most: u32, begun: &Begun) {
        let ran_out = |job: &&Entry| job.lessee.is_some_and(|lessee| lessee != NOBODY) && job.due <= now;
        let ran_out: Vec<_> = self.jobs.iter().filter(ran_out).cloned().collect();
        let processes: BTreeSet<_> = ran_out.iter().filter_map(|job| job.lessee).map(process).collect();
        for of in processes {
            let mut held: Vec<_> = self.jobs.iter_mut().filter(|job| job.is_of(of)).collect();
            let counts = held.len() == 1 && begun.contains(&(held[0].id, held[0].leases));
            if !counts {
                for job in held.iter_mut().filter(|job| !job.uncounted) {
                    job.attempts -= 1;
                    (job.suspect, job.uncounted) = (true, true);
                }
            }
        }
        for Entry { id, .. } in ran_out {
            let job = self.jobs.iter_mut().find(|job| job.id == id).unwrap();
            job.lessee = Some(NOBODY);
            job.suspect = true;
            let attempts = job.attempts;
            if attempts >= most {
                self.bury(id, attempts);
            }
        }
    }

    /// Returns the job, if it is still leased by this lease.
    pub(crate) fn held(&mut self, id: i64, lease: i64) -> Option<&mut Entry> {
        self.jobs.iter_mut().find(|job| job.id == id && job.leases == lease && job.lessee.is_some())
    }

    pub(crate) fn remove(&mut self, id: i64) -> Entry {
        let index = self.jobs.iter().position(|job| job.id == id).unwrap();
        self.jobs.remove(index)
    }

    pub(crate) fn bury(&mut self, id: i64, attempts: u32) {
        let job = Entry { attempts, ..self.remove(id) };
        self.dead.push(job);
        self.dead.sort_unstable_by_key(|job| job.id);
    }

    pub(crate) fn check(&self, counts: Counts) {
        let leased = self.jobs.iter().filter(|job| job.lessee.is_some()).count() as u64;
        let expected = (self.jobs.len() as u64 - leased, leased, self.dead.len() as u64);
        assert_eq!((counts.waiting, counts.leased, counts.dead), expected);
    }
}

/// Returns a leased job in the form used by the model.
pub(crate) fn told(job: &Job) -> (i64, u32, i64) {
    (job.id.0, job.attempt, job.lease)
}
