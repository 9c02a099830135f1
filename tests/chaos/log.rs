//! What was handled, and in which order? Kept in memory that does not grow with what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use stage_core::sqlite::{Job, JobId};
use tokio::sync::watch;

use crate::memory;

/// So often the memory is looked at, in jobs.
const LOOK: u64 = 32;

/// Whoever has it may note what it handled; clones are one log.
#[derive(Clone)]
pub(crate) struct Log {
    notes: Arc<Mutex<Notes>>,
    handled: Arc<watch::Sender<u64>>,
}

struct Notes {
    /// How often each job was handled, by its number.
    times: Vec<u8>,
    /// The job of each key that was handled last.
    last: BTreeMap<Vec<u8>, JobId>,
    /// The first jobs that were not in order: which one, and behind which of the same key.
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
        // Within the lock, so that no count is lost.
        let total = self.handled() + 1;
        if total.is_multiple_of(LOOK) {
            notes.peak = notes.peak.max(memory::live());
        }
        self.handled.send_replace(total);
    }

    pub(crate) fn handled(&self) -> u64 {
        *self.handled.borrow()
    }

    /// Waits until so many jobs were handled.
    pub(crate) async fn reached(&self, wanted: u64) {
        let mut handled = self.handled.subscribe();
        handled.wait_for(|handled| *handled >= wanted).await.expect("the log is alive");
    }

    /// The most bytes there were.
    pub(crate) fn peak(&self) -> usize {
        self.notes.lock().unwrap().peak
    }

    /// Those of a key were handled in order, but for jobs that came again while they were in hand.
    pub(crate) fn expect_in_order(&self, expired: &BTreeSet<JobId>) {
        let notes = self.notes.lock().unwrap();
        let wrong: Vec<_> = notes.disorder.iter().filter(|(job, _)| !expired.contains(job)).collect();
        assert!(wrong.is_empty(), "jobs, and those of their key behind which they were handled: {wrong:?}");
    }

    /// Each job was handled once, or is among the dead; those that came again while they were in hand, at least once.
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
            // As many as fit into a message.
            Some(last) if self.disorder.len() < 100 => self.disorder.push((job.id, *last)),
            Some(_) => {}
        }
    }
}
