//! A shared slice as a source: parts take a large one piece by piece; smaller ones are split evenly.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stage_core::BoxError;

use super::part::Each;
use super::{More, Part, Source, Taker};

/// The items of a shared slice.
pub struct SharedSlice<T> {
    pub(crate) items: Arc<[T]>,
}

/// The number of items of a piece: as many as are read in one call. Parts are apart by this much, whatever the length
/// of the slice: the stages after them keep what one part is ahead of another in event time.
const PIECE: usize = 4096;

/// A range of the slice, and access to the items that no other part has taken.
pub struct SlicePart<T> {
    items: Arc<[T]>,
    range: Range<usize>,
    untaken: Option<Arc<Untaken>>,
}

/// The position of the first item that no part has taken yet.
struct Untaken {
    begin: AtomicUsize,
}

impl Untaken {
    /// Returns `None` if there are too few items to be shared.
    fn of(length: usize, parts: usize) -> Option<Arc<Self>> {
        let is_large = parts > 1 && length / parts >= 2 * PIECE;
        is_large.then(|| Arc::new(Self { begin: AtomicUsize::new(0) }))
    }

    /// Returns the next piece of a slice; an empty one when all have been taken.
    fn take(&self, length: usize) -> Range<usize> {
        // A part that finds nothing does not try again, so this cannot overflow.
        let begin = self.begin.fetch_add(PIECE, Ordering::Relaxed).min(length);
        begin..length.min(begin + PIECE)
    }
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
        let untaken = Untaken::of(length, most);
        // The lengths of the parts differ by at most one item.
        let cut = |part: usize| length / most * part + (length % most).min(part);
        let range = |part| if untaken.is_some() { 0..0 } else { cut(part)..cut(part + 1) };
        let part =
            |part| SlicePart { items: Arc::clone(&self.items), range: range(part), untaken: untaken.clone() };
        Ok((0..most).map(part).collect())
    }

    fn name(&self) -> String {
        "slice".to_owned()
    }
}

impl<T> SlicePart<T> {
    /// Returns the range of the next items, at most `most`.
    fn next(&mut self, most: usize) -> Range<usize> {
        if self.range.is_empty()
            && let Some(untaken) = &self.untaken
        {
            self.range = untaken.take(self.items.len());
        }
        self.range.start..self.range.end.min(self.range.start.saturating_add(most))
    }
}

impl<T: Clone + Send + Sync + 'static> Part for SlicePart<T> {
    type Item = T;

    fn read(&mut self, most: usize, each: &mut impl FnMut(T)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<T>) -> Result<More, BoxError> {
        let next = self.next(most);
        let (end, any) = (next.end, !next.is_empty());
        let mut items = self.items[next].iter();
        if any {
            taker.take(items.by_ref().cloned());
        }
        self.range.start = end - items.len();
        let is_last = if self.untaken.is_some() { !any } else { self.range.is_empty() };
        Ok(if is_last { More::No } else { More::Yes })
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

    #[test]
    fn a_faster_stage_takes_more_of_a_large_slice_and_each_item_is_taken_once_and_in_order() {
        let length = 5 * PIECE + 7;
        let source = SharedSlice { items: (0..length).collect::<Vec<_>>().into() };
        let mut parts = source.parts(2).unwrap();
        let [fast, slow] = parts.as_mut_slice() else { panic!("two parts") };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        assert_eq!(slow.read(10, &mut |item| second.push(item)).unwrap(), More::Yes);
        while fast.read(100, &mut |item| first.push(item)).unwrap() == More::Yes {}
        while slow.read(100, &mut |item| second.push(item)).unwrap() == More::Yes {}
        assert_eq!(second, (0..PIECE).collect::<Vec<_>>());
        assert_eq!(first, (PIECE..length).collect::<Vec<_>>());
    }
}
