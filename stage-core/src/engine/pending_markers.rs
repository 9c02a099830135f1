//! Markers that wait behind a stage's unprocessed input.

use std::collections::VecDeque;

use crate::dispatch::Marker;

/// Markers with the input that each one waits for, oldest first.
#[derive(Debug, Default)]
pub(super) struct PendingMarkers {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    marker: Marker,
    /// For each slot, the number of batches that must be handled before the marker passes.
    batches: Vec<(usize, usize)>,
}

impl PendingMarkers {
    /// Queues `marker` behind the given number of batches per slot; returns it if it has nothing to wait for.
    pub(super) fn add(&mut self, marker: Marker, batches: Vec<(usize, usize)>) -> Option<Marker> {
        if batches.is_empty() && self.waiting.is_empty() {
            return Some(marker);
        }
        self.waiting.push_back(Waiting { marker, batches });
        None
    }

    /// Notes that a batch of `slot` was handled.
    pub(super) fn handled(&mut self, slot: usize) {
        for waiting in &mut self.waiting {
            for (_, left) in waiting.batches.iter_mut().filter(|(of, _)| *of == slot) {
                *left = left.saturating_sub(1);
            }
            waiting.batches.retain(|(_, left)| *left > 0);
        }
    }

    /// Notes that the subscription of `slot` is gone, together with its unhandled batches.
    pub(super) fn gone(&mut self, slot: usize) {
        for waiting in &mut self.waiting {
            waiting.batches.retain(|(of, _)| *of != slot);
        }
    }

    /// Removes and returns the oldest marker, if no unhandled batch precedes it.
    pub(super) fn passed(&mut self) -> Option<Marker> {
        let first = self.waiting.front()?;
        if !first.batches.is_empty() {
            return None;
        }
        self.waiting.pop_front().map(|passed| passed.marker)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_waits_only_for_the_batches_queued_before_it() {
        let mut behind = PendingMarkers::default();
        let (first, second) = (Marker::new(0), Marker::new(1));
        assert_eq!(behind.add(first, vec![]), Some(first));
        assert_eq!(behind.add(first, vec![(1, 2), (3, 1)]), None);
        assert_eq!(behind.add(second, vec![]), None);
        behind.handled(1);
        behind.handled(3);
        behind.handled(3);
        assert_eq!(behind.passed(), None);
        behind.handled(1);
        assert_eq!((behind.passed(), behind.passed()), (Some(first), Some(second)));
        assert!(behind.is_empty());
    }

    #[test]
    fn a_marker_does_not_wait_for_an_ended_subscription() {
        let mut behind = PendingMarkers::default();
        behind.add(Marker::new(0), vec![(1, 2), (2, 1)]);
        behind.gone(1);
        assert_eq!(behind.passed(), None);
        behind.handled(2);
        assert_eq!(behind.passed(), Some(Marker::new(0)));
    }
}
