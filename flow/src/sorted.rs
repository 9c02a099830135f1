//! Merges sorted lists, always two of similar length, so that few events are moved often.

use std::cmp::Ordering;

/// Sorted lists in arrival order, each at least twice as long as the next.
pub(crate) struct Sorted<T> {
    lists: Vec<Vec<T>>,
    /// The number of items wanted, of all lists together.
    most: usize,
}

impl<T> Sorted<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { lists: Vec::new(), most }
    }

    /// Adds a list; of equal items, those that were added first stay first.
    pub(crate) fn add(&mut self, mut list: Vec<T>, compare: &impl Fn(&T, &T) -> Ordering) {
        list.truncate(self.most);
        while let Some(before) = self.lists.pop_if(|before| before.len() / 2 <= list.len()) {
            list = merged(before, list, self.most, compare);
        }
        self.lists.push(list);
    }

    /// Takes the first items of all lists, leaving this empty.
    pub(crate) fn take(&mut self, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
        let lists = std::mem::take(&mut self.lists).into_iter();
        let most = self.most;
        lists.rev().reduce(|list, before| merged(before, list, most, compare)).unwrap_or_default()
    }
}

/// Merges two sorted lists up to `most` items; of equal items, those of the first list come first.
fn merged<T>(one: Vec<T>, other: Vec<T>, most: usize, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let Some((last, first)) = one.last().zip(other.first()) else {
        return if one.is_empty() { other } else { one };
    };
    let wanted = most.min(one.len() + other.len());
    let follows = compare(last, first).is_le();
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut all = Vec::with_capacity(wanted);
    while !follows
        && all.len() < wanted
        && let (Some(left), Some(right)) = (one.as_slice().first(), other.as_slice().first())
    {
        let next = if compare(right, left).is_lt() { other.next() } else { one.next() };
        all.extend(next);
    }
    all.extend(one.take(wanted - all.len()));
    all.extend(other.take(wanted - all.len()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn lists_put_together_are_the_stable_sort_of_all(
            mut lists in proptest::collection::vec(proptest::collection::vec(0..20_u8, 0..40), 0..12),
            most in 0..100_usize,
        ) {
            let by_key = |a: &(u8, usize), b: &(u8, usize)| a.0.cmp(&b.0);
            let (mut sorted, mut whole) = (Sorted::new(most), Vec::new());
            for list in &mut lists {
                list.sort_unstable();
                let numbered: Vec<_> = list.iter().zip(whole.len()..).map(|(key, number)| (*key, number)).collect();
                whole.extend(numbered.iter().copied());
                sorted.add(numbered, &by_key);
                let lengths: Vec<_> = sorted.lists.iter().map(Vec::len).collect();
                proptest::prop_assert!(lengths.windows(2).all(|two| two[0] / 2 > two[1]), "{:?}", lengths);
            }
            whole.sort_by(by_key);
            whole.truncate(most);
            proptest::prop_assert_eq!(sorted.take(&by_key), whole);
            proptest::prop_assert!(sorted.take(&by_key).is_empty());
        }
    }
}
