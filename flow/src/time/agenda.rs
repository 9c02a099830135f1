//! Keys by the times at which they are to be looked at again.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// The keys of a stage, each with a time at which it is to be looked at; the earliest comes first.
///
/// This is a heap: times come in about their order, so most additions stay at its end, and a look at a key that must
/// wait longer moves it in place. Entries are not removed before their time. Those whose key has left, or is expected
/// at another time, are outdated: the operator knows them by the number, and says how many are current.
#[derive(Debug)]
pub(crate) struct Agenda<Q> {
    entries: BinaryHeap<Expected<Q>>,
}

/// The number of outdated entries that are kept in any case.
const OUTDATED: usize = 64;

/// A key that is to be looked at.
#[derive(Debug)]
pub(crate) struct Expected<Q> {
    pub(crate) at: i64,
    /// The number by which the value to be looked at knows its entry. It differs for all entries, and decides between equal
    /// times.
    pub(crate) number: u64,
    pub(crate) key: Q,
}

/// The entry that comes first. A later time moves it in place.
pub(crate) type First<'a, Q> = PeekMut<'a, Expected<Q>>;

impl<Q> Agenda<Q> {
    pub(crate) const fn new() -> Self {
        Self { entries: BinaryHeap::new() }
    }

    /// Returns the number of entries, with the outdated ones.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn add(&mut self, at: i64, number: u64, key: Q) {
        self.entries.push(Expected { at, number, key });
    }

    /// Returns the entry that comes first.
    pub(crate) fn first(&mut self) -> Option<First<'_, Q>> {
        self.entries.peek_mut()
    }

    /// Returns the time of the entry that comes first; `i64::MAX` if there is none.
    pub(crate) fn earliest(&self) -> i64 {
        self.entries.peek().map_or(i64::MAX, |first| first.at)
    }

    /// Removes the outdated entries if they are more than the `current` ones.
    #[inline]
    pub(crate) fn tidy(&mut self, current: usize, is_current: impl FnMut(&Expected<Q>) -> bool) {
        if self.len() > 2 * current + OUTDATED {
            self.entries.retain(is_current);
        }
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Expected<Q>> {
        self.entries.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

impl<Q> Expected<Q> {
    /// The time and the number as one word: the heap compares two entries without a branch, which would often be
    /// predicted wrongly.
    #[inline]
    fn place(&self) -> u128 {
        // With the sign inverted, times have the order of unsigned numbers.
        let at = self.at.cast_unsigned() ^ (1 << 63);
        u128::from(at) << 64 | u128::from(self.number)
    }
}

impl<Q> PartialEq for Expected<Q> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<Q> Eq for Expected<Q> {}

/// The heap calls the operators, which by default are made of the `Ordering`.
impl<Q> PartialOrd for Expected<Q> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        other.place() < self.place()
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        other.place() <= self.place()
    }

    #[inline]
    fn gt(&self, other: &Self) -> bool {
        other.place() > self.place()
    }

    #[inline]
    fn ge(&self, other: &Self) -> bool {
        other.place() >= self.place()
    }
}

/// The heap has the greatest entry first: the earliest one is the greatest.
impl<Q> Ord for Expected<Q> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.place().cmp(&self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_the_order_of_their_times_and_numbers_also_when_they_move() {
        let mut agenda = Agenda::new();
        for (number, at) in
            [(1, 30), (2, 10), (3, 20), (4, 10), (5, i64::MAX), (6, 0), (7, -1), (8, i64::MIN)]
        {
            agenda.add(at, number, number);
        }
        let mut all = Vec::new();
        for _ in 0..3 {
            let first = PeekMut::pop(agenda.first().unwrap());
            all.push((first.at, first.number));
        }
        assert_eq!(all, [(i64::MIN, 8), (-1, 7), (0, 6)]);
        if let Some(mut first) = agenda.first() {
            assert_eq!((first.at, first.number), (10, 2));
            first.at = 25;
        }
        let mut all = Vec::new();
        while let Some(first) = agenda.first() {
            let Expected { at, number, key } = PeekMut::pop(first);
            assert_eq!(number, key);
            all.push((at, number));
        }
        assert_eq!(all, [(10, 4), (20, 3), (25, 2), (30, 1), (i64::MAX, 5)]);
        assert_eq!((agenda.earliest(), agenda.len()), (i64::MAX, 0));
    }

    #[test]
    fn outdated_entries_are_removed_once_they_are_most() {
        let mut agenda = Agenda::new();
        let mut most = 0;
        for number in 0..10_000_u64 {
            agenda.add(0, number, ());
            agenda.tidy(10, |entry| entry.number + 10 > number);
            most = most.max(agenda.len());
        }
        assert!(most <= 2 * 10 + OUTDATED, "{most}");
    }
}
