//! Iterator that maps each item, with loops that are inlined.

/// Items as `map` makes them. As `std::iter::Map`, whose loops are not inlined into those of an operator, so that the state
/// of both would be kept in memory between items.
pub(crate) struct Mapped<I, F> {
    items: I,
    map: F,
}

impl<I, F> Mapped<I, F> {
    #[inline]
    pub(crate) const fn new(items: I, map: F) -> Self {
        Self { items, map }
    }
}

impl<I: Iterator, B, F: FnMut(I::Item) -> B> Iterator for Mapped<I, F> {
    type Item = B;

    #[inline]
    fn next(&mut self) -> Option<B> {
        self.items.next().map(&mut self.map)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline]
    fn for_each<G: FnMut(B)>(self, mut each: G) {
        let Self { items, mut map } = self;
        items.for_each(|item| each(map(item)));
    }

    #[inline]
    fn all<G: FnMut(B) -> bool>(&mut self, mut each: G) -> bool {
        let Self { items, map } = self;
        items.all(|item| each(map(item)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_mapped_by_each_loop_and_a_loop_that_ends_early_leaves_the_rest() {
        let mut doubled = Mapped::new(1..=6, |item| 2 * item);
        let mut seen = Vec::new();
        assert!(!doubled.all(|item| {
            seen.push(item);
            item < 4
        }));
        assert_eq!((doubled.size_hint(), doubled.next()), ((4, Some(4)), Some(6)));
        doubled.for_each(|item| seen.push(item));
        assert_eq!(seen, [2, 4, 8, 10, 12]);
    }
}
