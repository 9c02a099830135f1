//! Markers that wait behind a stage's unprocessed input.

use std::collections::VecDeque;

use crate::dispatch::Marker;

/// Markers and the input that each waits for, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Behind {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    marker: Marker,
    /// By slot, the batches that have to be handled before it.
    batches: Vec<(usize, usize)>,
}

impl Behind {
    /// Puts `marker` behind so many batches of each slot; gives it back if there is nothing to wait for.
    pub(super) fn add(&mut self, marker: Marker, batches: Vec<(usize, usize)>) -> Option<Marker> {
        if batches.is_empty() && self.waiting.is_empty() {
            return Some(marker);
        }
        self.waiting.push_back(Waiting { marker, batches });
        None
    }

    /// A batch of `slot` was handled.
    pub(super) fn handled(&mut self, slot: usize) {
        for waiting in &mut self.waiting {
            for (_, left) in waiting.batches.iter_mut().filter(|(of, _)| *of == slot) {
                *left = left.saturating_sub(1);
            }
            waiting.batches.retain(|(_, left)| *left > 0);
        }
    }

    /// The subscription of `slot` is gone, and what it had brought and was not handled.
    pub(super) fn gone(&mut self, slot: usize) {
        for waiting in &mut self.waiting {
            waiting.batches.retain(|(of, _)| *of != slot);
        }
    }

    /// The oldest marker, if nothing is before it any more.
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
    fn a_marker_waits_for_the_batches_that_were_there_and_for_no_others() {
        let mut behind = Behind::default();
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
    fn a_marker_does_not_wait_for_a_subscription_that_is_gone() {
        let mut behind = Behind::default();
        behind.add(Marker::new(0), vec![(1, 2), (2, 1)]);
        behind.gone(1);
        assert_eq!(behind.passed(), None);
        behind.handled(2);
        assert_eq!(behind.passed(), Some(Marker::new(0)));
    }
}
