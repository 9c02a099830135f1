//! A shared slice as a source: split evenly, in order.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use stage_core::BoxError;

use super::{More, Part, Source, Taker};

/// The items of a slice that everybody shares.
pub struct SharedSlice<T> {
    pub(crate) items: Arc<[T]>,
}

/// A range of it.
pub struct SlicePart<T> {
    items: Arc<[T]>,
    range: Range<usize>,
}

impl<T> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items) }
    }
}

impl<T> fmt::Debug for SharedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSlice").field("items", &self.items.len()).finish()
    }
}

impl<T> fmt::Debug for SlicePart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlicePart").field("range", &self.range).finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Source for SharedSlice<T> {
    type Item = T;
    type Part = SlicePart<T>;

    fn parts(&self, most: usize) -> Result<Vec<SlicePart<T>>, BoxError> {
        let (length, most) = (self.items.len(), most.clamp(1, self.items.len().max(1)));
        // The cuts differ by at most one item.
        let cut = |part: usize| length / most * part + (length % most).min(part);
        let part = |part| SlicePart { items: Arc::clone(&self.items), range: cut(part)..cut(part + 1) };
        Ok((0..most).map(part).collect())
    }

    fn name(&self) -> String {
        "slice".to_owned()
    }
}

impl<T> SlicePart<T> {
    /// Where the next `most` items are, and whether there are more behind them.
    fn next(&mut self, most: usize) -> (Range<usize>, More) {
        let end = self.range.end.min(self.range.start.saturating_add(most));
        let next = self.range.start..end;
        self.range.start = end;
        (next, if self.range.is_empty() { More::No } else { More::Yes })
    }
}

impl<T: Clone + Send + Sync + 'static> Part for SlicePart<T> {
    type Item = T;

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        let (next, more) = self.next(most);
        self.items[next].iter().cloned().for_each(each);
        Ok(more)
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<T>) -> Result<More, BoxError> {
        let (next, more) = self.next(most);
        if !next.is_empty() {
            taker.take(self.items[next].iter().cloned());
        }
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_and_whole() {
        for (length, most, sizes) in
            [(10, 3, vec![4, 3, 3]), (2, 5, vec![1, 1]), (0, 4, vec![0]), (7, 1, vec![7])]
        {
            let source = SharedSlice { items: (0..length).collect::<Vec<_>>().into() };
            let parts = source.parts(most).unwrap();
            assert_eq!(parts.iter().map(|part| part.range.len()).collect::<Vec<_>>(), sizes);
            let mut all = Vec::new();
            for mut part in parts {
                while part.read(2, &mut |item| all.push(item)).unwrap() == More::Yes {}
            }
            assert_eq!(all, (0..length).collect::<Vec<_>>());
        }
    }
}
