//! A shared slice as a source: parts take a large one piece by piece; smaller ones are split evenly.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stage_core::BoxError;

use super::decode::By;
use super::part::Each;
use super::{Mapped, More, Part, Source, Taker};

/// The items of a shared slice, each as the event that `form` makes of it.
pub struct SharedSlice<T, F = Cloned> {
    pub(crate) items: Arc<[T]>,
    pub(crate) form: F,
}

/// Makes events of the items of a slice.
pub trait Form<T>: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Event: Send + 'static;

    /// Makes the event of an item.
    fn form(&self, item: &T) -> Self::Event;
}

/// Clones the items.
#[derive(Clone, Copy, Debug)]
pub struct Cloned;

/// The number of items of a piece: as many as are read in one call. Parts are apart by this much, whatever the length
/// of the slice: the stages after them keep what one part is ahead of another in event time.
const PIECE: usize = 4096;

/// A range of the slice, and access to the items that no other part has taken.
pub struct SlicePart<T, F = Cloned> {
    items: Arc<[T]>,
    form: F,
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

impl<T: Clone + Send + 'static> Form<T> for Cloned {
    type Event = T;

    #[inline]
    fn form(&self, item: &T) -> T {
        item.clone()
    }
}

impl<T, U, F> Form<T> for By<F>
where
    U: Send + 'static,
    F: Fn(&T) -> U + Send + Sync + 'static,
{
    type Event = U;

    #[inline]
    fn form(&self, item: &T) -> U {
        (self.function)(item)
    }
}

impl<T, F: Clone> Clone for SharedSlice<T, F> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), form: self.form.clone() }
    }
}

impl<T, F> fmt::Debug for SharedSlice<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSlice").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl<T, F> fmt::Debug for SlicePart<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlicePart").field("range", &self.range).finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static, F: Form<T>> Source for SharedSlice<T, F> {
    type Item = F::Event;
    type Part = SlicePart<T, F>;

    fn parts(&self, most: usize) -> Result<Vec<SlicePart<T, F>>, BoxError> {
        let (length, most) = (self.items.len(), most.clamp(1, self.items.len().max(1)));
        let untaken = Untaken::of(length, most);
        // The lengths of the parts differ by at most one item.
        let cut = |part: usize| length / most * part + (length % most).min(part);
        let range = |part| if untaken.is_some() { 0..0 } else { cut(part)..cut(part + 1) };
        let part = |part| SlicePart {
            items: Arc::clone(&self.items),
            form: self.form.clone(),
            range: range(part),
            untaken: untaken.clone(),
        };
        Ok((0..most).map(part).collect())
    }

    fn name(&self) -> String {
        "slice".to_owned()
    }
}

impl<T, F> SlicePart<T, F> {
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

impl<T: Send + Sync + 'static, F: Form<T>> Part for SlicePart<T, F> {
    type Item = F::Event;

    fn read(&mut self, most: usize, each: &mut impl FnMut(F::Event)) -> Result<More, BoxError> {
        self.read_in_one(most, &mut Each(each))
    }

    #[inline]
    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<F::Event>) -> Result<More, BoxError> {
        let next = self.next(most);
        let any = !next.is_empty();
        if any {
            let form = &self.form;
            self.range.start += taker.take(Mapped::new(self.items[next].iter(), move |item| form.form(item)));
        }
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
            let source = SharedSlice { items: (0..length).collect::<Vec<_>>().into(), form: Cloned };
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
        let source = SharedSlice { items: (0..length).collect::<Vec<_>>().into(), form: Cloned };
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
