//! Record of handled jobs and their order, in memory that does not grow during a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use stage_sqlite::{Job, JobId};
use tokio::sync::watch;

use crate::memory;

/// Number of jobs between samples of the memory.
const LOOK: u64 = 32;

/// A log in which stages note the jobs they handled; clones share one log.
#[derive(Clone)]
pub(crate) struct Log {
    notes: Arc<Mutex<Notes>>,
    handled: Arc<watch::Sender<u64>>,
}

struct Notes {
    /// For each job, by its number, how often it was handled.
    times: Vec<u8>,
    /// The last handled job of each key.
    last: BTreeMap<Vec<u8>, JobId>,
    /// The first jobs out of order, each with the job of the same key before it.
    disorder: Vec<(JobId, JobId)>,
    peak: usize,
}

impl Log {
    pub(crate) fn of(jobs: u64) -> Self {
        let times = vec![0; usize::try_from(jobs).unwrap() + 1];
        let notes = Notes { times, last: BTreeMap::new(), disorder: Vec::new(), peak: 0 };
        Self { notes: Arc::new(Mutex::new(notes)), handled: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn note(&self, job: &Job) {
        let mut notes = self.notes.lock().unwrap();
        notes.note(job);
        // Under the lock, so that no count is lost.
        let total = self.handled() + 1;
        if total.is_multiple_of(LOOK) {
            notes.peak = notes.peak.max(memory::live());
        }
        self.handled.send_replace(total);
    }

    pub(crate) fn handled(&self) -> u64 {
        *self.handled.borrow()
    }

    /// Waits until `wanted` jobs were handled.
    pub(crate) async fn reached(&self, wanted: u64) {
        let mut handled = self.handled.subscribe();
        handled.wait_for(|handled| *handled >= wanted).await.expect("the log is alive");
    }

    /// Returns the maximum number of allocated bytes.
    pub(crate) fn peak(&self) -> usize {
        self.notes.lock().unwrap().peak
    }

    /// Checks that the jobs of each key were handled in order, except jobs delivered again while they were in
    /// hand.
    pub(crate) fn expect_in_order(&self, expired: &BTreeSet<JobId>) {
        let notes = self.notes.lock().unwrap();
        let wrong: Vec<_> = notes.disorder.iter().filter(|(job, _)| !expired.contains(job)).collect();
        assert!(wrong.is_empty(), "jobs, and those of their key behind which they were handled: {wrong:?}");
    }

    /// Checks that each job was handled once, or is dead; jobs delivered again while in hand were handled at
    /// least once.
    pub(crate) fn expect_each_once(&self, dead: impl Iterator<Item = JobId>, expired: &BTreeSet<JobId>) {
        let mut times = self.notes.lock().unwrap().times.clone();
        for id in dead {
            times[usize::try_from(id.0).unwrap()] += 1;
        }
        let again = |id: usize| expired.contains(&JobId(i64::try_from(id).unwrap()));
        let right = |id: usize| times[id] == 1 || times[id] > 1 && again(id);
        let wrong: Vec<_> = (1..times.len()).filter(|&id| !right(id)).take(10).collect();
        assert!(wrong.is_empty(), "jobs that are missing, or there twice: {wrong:?}");
    }
}

impl Notes {
    fn note(&mut self, job: &Job) {
        self.times[usize::try_from(job.id.0).unwrap()] += 1;
        let Some(key) = &job.key else { return };
        match self.last.get_mut(key) {
            None => drop(self.last.insert(key.clone(), job.id)),
            Some(last) if *last < job.id => *last = job.id,
            // Limited to the number that fits into a message.
            Some(last) if self.disorder.len() < 100 => self.disorder.push((job.id, *last)),
            Some(_) => {}
        }
    }
}
