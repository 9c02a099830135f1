//! Kinds of fan-out: the rule by which consumers get events.

/// Number of consumers.
pub(super) const CONSUMERS: usize = 4;
/// Maximum number of events in flight to each consumer.
pub(super) const MAX_DEMAND: usize = 1000;
/// Number of outstanding events at which a consumer asks again.
pub(super) const MIN_DEMAND: usize = 500;
/// Events in the largest batch.
pub(super) const BATCH: usize = MAX_DEMAND - MIN_DEMAND;

/// The rule by which consumers get events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any consumer with room.
    Demand,
    /// Every consumer.
    Broadcast,
    /// The consumer whose number is the event modulo four.
    Partition,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Demand, Self::Broadcast, Self::Partition];

    /// Returns the name in tables and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Broadcast => "broadcast",
            Self::Partition => "partition",
        }
    }

    /// Returns whether the consumers, with these counts and sums, got the right events.
    pub(super) fn is_right(self, sums: &[(u64, u64)], events: u64) -> bool {
        let of = |step: u64, from: u64| {
            let count = events.saturating_sub(from).div_ceil(step);
            (count, series(count, step, from))
        };
        match self {
            Self::Broadcast => sums.iter().all(|sum| *sum == of(1, 0)),
            Self::Partition => (0..).zip(sums).all(|(from, sum)| *sum == of(CONSUMERS as u64, from)),
            Self::Demand => {
                let add = |all: (u64, u64), one: &(u64, u64)| (all.0 + one.0, all.1.wrapping_add(one.1));
                sums.iter().fold((0, 0), add) == of(1, 0)
            }
        }
    }
}

/// Returns the wrapping sum of `count` numbers `from`, `from + step`, …
fn series(count: u64, step: u64, from: u64) -> u64 {
    let pairs = u128::from(count) * u128::from(count.saturating_sub(1)) / 2;
    let sum = u128::from(count) * u128::from(from) + pairs.wrapping_mul(u128::from(step));
    u64::try_from(sum & u128::from(u64::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_equals_the_sums_of_a_loop() {
        for (count, step, from) in [(0, 1, 0), (1, 4, 3), (1000, 4, 2)] {
            assert_eq!(series(count, step, from), (0..count).map(|place| from + place * step).sum::<u64>());
        }
    }
}
