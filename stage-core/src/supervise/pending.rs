//! Restarts that wait for their due time.

use tokio::time::Instant;

/// Children that are down, with the time of their restart. Each child waits for one restart only, the last
/// one decided.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: Vec<(Option<Instant>, Vec<usize>)>,
}

impl Pending {
    /// Schedules these children to start at `at`, together and in order; with `None`, they wait forever.
    pub(super) fn add(&mut self, at: Option<Instant>, these: Vec<usize>) {
        self.forget(|child| these.contains(&child));
        if !these.is_empty() {
            self.waiting.push((at, these));
        }
    }

    /// Cancels the restarts of these children.
    pub(super) fn forget(&mut self, is_one: impl Fn(usize) -> bool) {
        for (_, these) in &mut self.waiting {
            these.retain(|child| !is_one(*child));
        }
        self.waiting.retain(|(_, these)| !these.is_empty());
    }

    /// Cancels all restarts.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn contains(&self, child: usize) -> bool {
        self.waiting.iter().any(|(_, these)| these.contains(&child))
    }

    /// Returns the time of the next restart.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|(at, _)| *at).min()
    }

    /// Removes and returns the children that are due; of several restarts, the one decided first.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Vec<usize>> {
        let due = self.waiting.iter().position(|(at, _)| at.is_some_and(|at| at <= now))?;
        Some(self.waiting.remove(due).1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_child_starts_once_with_those_it_was_last_restarted_with() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut pending = Pending::default();
        pending.add(Some(later), vec![3]);
        pending.add(Some(later), vec![4]);
        pending.add(Some(now), vec![2, 3]);
        assert!(pending.contains(3) && pending.contains(4) && !pending.contains(1));
        assert_eq!(pending.next(), Some(now));
        assert_eq!(pending.take_due(now), Some(vec![2, 3]));
        assert_eq!(pending.take_due(now), None);
        assert_eq!((pending.next(), pending.take_due(later)), (Some(later), Some(vec![4])));
        assert!(pending.is_empty());
    }

    #[test]
    fn a_child_that_is_never_due_waits_forever() {
        let mut pending = Pending::default();
        pending.add(None, vec![0]);
        assert!(pending.contains(0) && !pending.is_empty());
        assert_eq!((pending.next(), pending.take_due(Instant::now())), (None, None));
        pending.forget(|child| child == 0);
        assert!(pending.is_empty());
    }
}
