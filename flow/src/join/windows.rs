//! The open windows of a join, each with both of its sides.

use std::collections::BTreeMap;

use super::sides::Sides;

/// Windows by number. Most events are in the window of the one before, which is found without a search.
pub(super) struct Windows<Q, L, R> {
    sides: Vec<Sides<Q, L, R>>,
    /// The place in `sides` of each open window, by its number.
    places: BTreeMap<i64, usize>,
    /// The places without a window; their sides are empty.
    free: Vec<usize>,
    /// The number and the place of the window looked up last, if it is still open.
    last: Option<(i64, usize)>,
}

impl<Q, L, R> Windows<Q, L, R> {
    pub(super) const fn new() -> Self {
        Self { sides: Vec::new(), places: BTreeMap::new(), free: Vec::new(), last: None }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the number of the first open window.
    pub(super) fn first(&self) -> Option<i64> {
        self.places.first_key_value().map(|(number, _)| *number)
    }

    pub(super) fn contains(&self, number: i64) -> bool {
        self.places.contains_key(&number)
    }

    /// Returns the sides of a window; opens it if it is not open.
    #[inline]
    pub(super) fn of(&mut self, number: i64) -> &mut Sides<Q, L, R> {
        let place = match self.last {
            Some((last, place)) if last == number => place,
            _ => self.open(number),
        };
        &mut self.sides[place]
    }

    #[cold]
    #[inline(never)]
    fn open(&mut self, number: i64) -> usize {
        let Self { sides, places, free, .. } = self;
        let place = *places.entry(number).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                sides.push(Sides::default());
                sides.len() - 1
            })
        });
        self.last = Some((number, place));
        place
    }

    /// Returns the sides of a window if it is open.
    pub(super) fn get_mut(&mut self, number: i64) -> Option<&mut Sides<Q, L, R>> {
        self.places.get(&number).map(|place| &mut self.sides[*place])
    }

    /// Returns the sides of all open windows.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sides<Q, L, R>> {
        // Those of free places are empty.
        self.sides.iter_mut()
    }

    /// Closes the first open window if its number is less than `first_open`; returns its sides.
    pub(super) fn pop_before(&mut self, first_open: i64) -> Option<Sides<Q, L, R>> {
        let first = self.places.first_entry().filter(|first| *first.key() < first_open)?;
        let place = first.remove();
        self.last = None;
        self.free.push(place);
        let closed = std::mem::take(&mut self.sides[place]);
        if self.places.is_empty() {
            // Many windows may have been open at once.
            (self.sides, self.free) = (Vec::new(), Vec::new());
        }
        Some(closed)
    }

    /// Closes all windows; returns their sides, those of the first window first.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Sides<Q, L, R>> + use<Q, L, R> {
        let Self { mut sides, places, .. } = std::mem::replace(self, Self::new());
        places.into_values().map(move |place| std::mem::take(&mut sides[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Inner, Side};
    use super::*;

    #[test]
    fn windows_close_in_the_order_of_their_numbers_and_their_places_are_used_again() {
        let mut windows = Windows::<u32, i64, i64>::new();
        let put = |windows: &mut Windows<u32, i64, i64>, number| {
            windows.of(number).take_in::<Inner, _>(Side::Left(0, number), None, &mut |_| {});
        };
        for number in [7, 3, 3, 7, -1, 3] {
            put(&mut windows, number);
        }
        assert_eq!((windows.len(), windows.first(), windows.sides.len()), (3, Some(-1), 3));
        let held = |sides: Option<Sides<u32, i64, i64>>| sides.map(|sides| sides.held());
        assert_eq!([4, 4, 4].map(|before| held(windows.pop_before(before))), [Some(1), Some(3), None]);
        assert!(!windows.contains(3) && windows.contains(7));
        put(&mut windows, 3);
        assert_eq!((windows.get_mut(3).map(|sides| sides.held()), windows.sides.len()), (Some(1), 3));
        put(&mut windows, 9);
        assert_eq!(
            (windows.iter_mut().map(|sides| sides.held()).sum::<usize>(), windows.sides.len()),
            (4, 3)
        );
        assert_eq!(windows.take_all().map(|sides| sides.held()).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!((windows.len(), windows.first()), (0, None));
        put(&mut windows, 9);
        assert_eq!(windows.of(9).held(), 1);
    }
}
