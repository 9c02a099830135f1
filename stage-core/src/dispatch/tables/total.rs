//! A sum of credits that does not overflow.

/// The total demand of all subscribers. A single credit saturates at `usize::MAX`; the sum does not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total(u128);

impl Total {
    /// Adds `events` to one subscriber's `credit`, which saturates, and as much to the total.
    pub(crate) fn ask(&mut self, credit: &mut usize, events: usize) {
        let more = events.min(usize::MAX - *credit);
        *credit += more;
        self.0 += more as u128;
    }

    /// Subtracts events that a subscriber received, or will not receive.
    pub(crate) fn less(&mut self, events: usize) {
        debug_assert!(self.0 >= events as u128, "no credit is used twice");
        self.0 -= events as u128;
    }

    /// Returns the total demand, saturated at `usize::MAX`.
    pub(crate) fn get(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_of_the_total_is_not_lost() {
        let (mut total, mut first, mut second) = (Total::default(), 0, 0);
        total.ask(&mut first, usize::MAX);
        total.ask(&mut first, 5);
        total.ask(&mut second, usize::MAX);
        assert_eq!((first, total.get()), (usize::MAX, usize::MAX));
        total.less(first);
        assert_eq!(total.get(), second, "the other still wants as much");
        total.less(second);
        assert_eq!(total.get(), 0);
    }
}
