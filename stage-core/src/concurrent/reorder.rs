//! The order in which results leave: pure.

use crate::ack::Offsets;
use crate::policy::Order;

/// Results that wait for those of earlier events.
#[derive(Debug)]
pub(super) struct Reorder<R> {
    order: Order,
    results: Offsets<R>,
}

impl<R> Reorder<R> {
    pub(super) const fn new(order: Order) -> Self {
        Self { order, results: Offsets::new() }
    }

    /// Takes the result of an event; passes on the results that may leave now. Events are numbered from 0 in the order
    /// of their arrival, and each has one result.
    pub(super) fn done(&mut self, number: u64, result: R, mut leave: impl FnMut(R)) {
        if self.order == Order::Any {
            return leave(result);
        }
        let is_first = self.results.settle(number, result);
        debug_assert!(is_first, "each event has one result");
        std::iter::from_fn(|| self.results.advance()).for_each(leave);
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
