//! The order in which results leave: pure.

use std::collections::VecDeque;

use crate::policy::Order;

/// Results that wait for those of earlier events.
#[derive(Debug)]
pub(super) struct Reorder<R> {
    order: Order,
    /// The number of the first event whose result has not left.
    next: u64,
    /// The results from that event on; `None` while an event is in progress.
    held: VecDeque<Option<R>>,
}

impl<R> Reorder<R> {
    pub(super) const fn new(order: Order) -> Self {
        Self { order, next: 0, held: VecDeque::new() }
    }

    /// Takes the result of an event; passes on the results that may leave now. Events are numbered from 0 in the order
    /// of their arrival, and each has one result.
    pub(super) fn done(&mut self, number: u64, result: R, mut leave: impl FnMut(R)) {
        if self.order == Order::Any {
            return leave(result);
        }
        debug_assert!(number >= self.next, "each event has one result");
        // At most as many as the stage holds events.
        let place = usize::try_from(number - self.next).unwrap_or(usize::MAX);
        while self.held.len() <= place {
            self.held.push_back(None);
        }
        self.held[place] = Some(result);
        while let Some(Some(_)) = self.held.front() {
            self.next += 1;
            self.held.pop_front().flatten().into_iter().for_each(&mut leave);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn left(order: Order, completed: &[u64]) -> Vec<u64> {
        let mut reorder = Reorder::new(order);
        let mut left = Vec::new();
        for number in completed {
            reorder.done(*number, *number, |result| left.push(result));
        }
        left
    }

    proptest! {
        #[test]
        fn every_result_leaves_once_in_the_order_of_events_or_of_completion(
            completed in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle()
        ) {
            prop_assert!(left(Order::Kept, &completed).into_iter().eq(0..40));
            prop_assert_eq!(left(Order::Any, &completed), completed);
        }

        #[test]
        fn a_result_leaves_as_soon_as_all_earlier_ones_are_there(
            completed in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(),
            some in 0..40_usize,
        ) {
            let completed = &completed[..some];
            let first_missing = (0..=40).find(|number| !completed.contains(number)).unwrap();
            prop_assert!(left(Order::Kept, completed).into_iter().eq(0..first_missing));
        }
    }
}
