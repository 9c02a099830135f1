//! Ends the items of a source once the demand is met.

use std::cell::Cell;

/// Items until an operator has made the wanted number of events of them; counts those that it takes.
pub(super) struct UntilMet<'a, I> {
    items: I,
    wanted: usize,
    /// The number of events made, which the operator's sink counts.
    made: &'a Cell<usize>,
    /// Stored in `total` at the end: storing it for each item would make the next item wait for the store.
    taken: usize,
    total: &'a Cell<usize>,
}

impl<'a, I> UntilMet<'a, I> {
    /// Passes `items` on while fewer than `wanted` events are `made`; adds the number of those passed on to `total`.
    #[inline]
    pub(super) const fn new(items: I, wanted: usize, made: &'a Cell<usize>, total: &'a Cell<usize>) -> Self {
        Self { items, wanted, made, taken: 0, total }
    }
}

impl<I: Iterator> Iterator for UntilMet<'_, I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if self.made.get() >= self.wanted {
            return None;
        }
        let item = self.items.next()?;
        self.taken += 1;
        Some(item)
    }

    /// Passes the items on without an `Option` around each. One would be taken apart and put together on the stack,
    /// and the processor waits when it reads in one piece what was written in several. The loop is that of `all`, which
    /// the iterators of sources implement inline; `try_fold` cannot be implemented.
    #[inline]
    fn for_each<F: FnMut(I::Item)>(mut self, mut each: F) {
        if self.made.get() >= self.wanted {
            return;
        }
        let Self { items, wanted, made, taken, .. } = &mut self;
        let wanted = *wanted;
        items.all(|item| {
            *taken += 1;
            each(item);
            made.get() < wanted
        });
    }

    #[inline]
    fn fold<B, F: FnMut(B, I::Item) -> B>(self, init: B, mut each: F) -> B {
        let mut all = Some(init);
        self.for_each(|item| all = all.take().map(|all| each(all, item)));
        all.expect("each item gives it back")
    }
}

impl<I> Drop for UntilMet<'_, I> {
    #[inline]
    fn drop(&mut self) {
        self.total.set(self.total.get() + self.taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_until_enough_events_are_made_by_calls_and_by_a_loop() {
        // Each even item makes an event.
        for (wanted, expected) in [(0, 0), (1, 2), (3, 6), (5, 10), (9, 10)] {
            let counts = || (Cell::new(0), Cell::new(0));
            let pair =
                |made: &Cell<usize>, item: usize| made.set(made.get() + usize::from(item.is_multiple_of(2)));
            let (made, taken) = counts();
            UntilMet::new(1..=10, wanted, &made, &taken).for_each(|item| pair(&made, item));
            assert_eq!((taken.get(), made.get()), (expected, wanted.min(5)));
            let (made, taken) = counts();
            UntilMet::new(1..=10, wanted, &made, &taken)
                .map(|item| item + 2)
                .for_each(|item| pair(&made, item));
            assert_eq!((taken.get(), made.get()), (expected, wanted.min(5)));
            let (made, taken) = counts();
            let mut items = UntilMet::new(1..=10, wanted, &made, &taken);
            for item in items.by_ref() {
                pair(&made, item);
            }
            drop(items);
            assert_eq!((taken.get(), made.get()), (expected, wanted.min(5)));
        }
    }
}
