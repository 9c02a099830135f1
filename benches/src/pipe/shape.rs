//! Shapes of pipes: `k` steps, and the maximum number of events in flight on each hop.

use std::fmt;

/// The length of a pipe and the demand on each of its subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of steps between the source and the sink.
    pub steps: usize,
    /// Maximum number of events in flight on one hop, queued and in hand together.
    pub max_demand: usize,
    /// Number of outstanding events at which the receiver asks again.
    pub min_demand: usize,
}

const fn shape(steps: usize, max_demand: usize, min_demand: usize) -> Shape {
    Shape { steps, max_demand, min_demand }
}

/// Three steps at 1000/500: the pipe of the workloads that vary something else.
pub const DEFAULT: Shape = shape(3, 1000, 500);

/// All measured pipes.
pub const SHAPES: [Shape; 10] = [
    shape(0, 1000, 500),
    shape(0, 100, 50),
    shape(0, 10, 1),
    shape(1, 1000, 500),
    shape(1, 100, 50),
    shape(1, 10, 1),
    DEFAULT,
    shape(3, 100, 50),
    shape(3, 10, 1),
    // Sixteen batches of 500.
    shape(3, 8000, 7500),
];

impl Shape {
    /// Returns the events in the largest batch: the size of a `Vec` of peers that send batches.
    pub const fn batch(self) -> usize {
        self.max_demand - self.min_demand
    }

    /// Returns the number of batches that may be queued while one is in hand, at least one.
    ///
    /// 1000/500: one of 500 queued, one of 500 in hand. 10/1: one of 9 queued and one in hand, more than the
    /// demand allows, in the peer's favour.
    pub const fn queued_batches(self) -> usize {
        let queued = self.max_demand.div_ceil(self.batch()) - 1;
        if queued == 0 { 1 } else { queued }
    }

    /// Returns the sum that the sink must have after `events` events.
    pub const fn expected_sum(self, events: u64) -> u64 {
        let counted = if events.is_multiple_of(2) {
            (events / 2).wrapping_mul(events.wrapping_sub(1))
        } else {
            events.wrapping_mul((events - 1) / 2)
        };
        counted.wrapping_add((self.steps as u64).wrapping_mul(events))
    }
}

/// Formats the name without the workload: `k3/1000-500`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, max_demand, min_demand } = self;
        write!(f, "k{steps}/{max_demand}-{min_demand}")
    }
}

#[cfg(test)]
mod tests {
    use super::{SHAPES, Shape, shape};

    #[test]
    fn the_expected_sum_is_that_of_a_plain_loop() {
        for shape in SHAPES {
            for events in [0, 1, 2, 999, 1000] {
                let summed: u64 = (0..events).map(|x| x + shape.steps as u64).sum();
                assert_eq!(shape.expected_sum(events), summed, "{shape}, {events} events");
            }
        }
    }

    #[test]
    fn a_peer_has_as_much_in_flight_as_the_demand_allows() {
        let bound = |shape: Shape| (1 + shape.queued_batches()) * shape.batch();
        assert_eq!(bound(shape(3, 1000, 500)), 1000);
        assert_eq!(bound(shape(3, 100, 50)), 100);
        assert_eq!(bound(shape(3, 8000, 7500)), 8000);
        assert_eq!(bound(shape(3, 10, 1)), 18, "one batch of nine queued, one in hand");
    }
}
