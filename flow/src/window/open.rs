//! The open windows of event time of a stage, each with its state.

use std::collections::BTreeMap;

/// The number of windows for which there may be room without regard to how many are open.
const KEPT: usize = 64;

/// Windows by number. Most events are in the window of the one before, which is found without a search.
pub(crate) struct OpenWindows<T> {
    /// `None` in the places without a window.
    states: Vec<Option<T>>,
    places: Places,
    /// The number and the place of the window looked up last, if it is still open.
    last: Option<(i64, usize)>,
}

/// The places of windows, in the order of their numbers. It does not depend on their states, so it is compiled once.
#[derive(Debug, Default)]
struct Places {
    by_number: BTreeMap<i64, usize>,
    free: Vec<usize>,
}

impl Places {
    fn find(&self, number: i64) -> Option<usize> {
        self.by_number.get(&number).copied()
    }

    /// Returns the place of a window: if it is not open, a free place, or `new` if there is none.
    fn open(&mut self, number: i64, new: usize) -> usize {
        let Self { by_number, free } = self;
        *by_number.entry(number).or_insert_with(|| free.pop().unwrap_or(new))
    }

    fn first(&self) -> Option<i64> {
        self.by_number.first_key_value().map(|(number, _)| *number)
    }

    fn last(&self) -> Option<i64> {
        self.by_number.last_key_value().map(|(number, _)| *number)
    }

    fn pop_first(&mut self) -> Option<(i64, usize)> {
        let (number, place) = self.by_number.pop_first()?;
        self.free.push(place);
        Some((number, place))
    }
}

impl<T> OpenWindows<T> {
    pub(crate) fn new() -> Self {
        Self { states: Vec::new(), places: Places::default(), last: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.by_number.len()
    }

    /// Returns the number of the first open window.
    pub(crate) fn first(&self) -> Option<i64> {
        self.places.first()
    }

    /// Returns the number of the last open window.
    pub(crate) fn last(&self) -> Option<i64> {
        self.places.last()
    }

    pub(crate) fn contains(&self, number: i64) -> bool {
        self.places.find(number).is_some()
    }

    /// Returns the state of a window. If the window is not open, opens it with the state that `state` makes.
    #[inline]
    pub(crate) fn of(&mut self, number: i64, state: impl FnOnce() -> T) -> &mut T {
        let place = match self.last {
            Some((last, place)) if last == number => place,
            _ => self.open(number),
        };
        self.states[place].get_or_insert_with(state)
    }

    #[inline(never)]
    fn open(&mut self, number: i64) -> usize {
        let place = self.places.open(number, self.states.len());
        if place == self.states.len() {
            self.states.push(None);
        }
        self.last = Some((number, place));
        place
    }

    /// Returns the state of a window if it is open.
    pub(crate) fn get_mut(&mut self, number: i64) -> Option<&mut T> {
        let place = match self.last {
            Some((last, place)) if last == number => place,
            _ => self.places.find(number)?,
        };
        self.last = Some((number, place));
        self.states[place].as_mut()
    }

    /// Returns the states of all open windows, in any order.
    pub(crate) fn states(&self) -> impl Iterator<Item = &T> {
        self.states.iter().flatten()
    }

    /// Returns the states of all open windows, in any order.
    pub(crate) fn states_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.states.iter_mut().flatten()
    }

    /// Returns the open windows in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &T)> {
        let state = |(number, place): (&i64, &usize)| Some((*number, self.states[*place].as_ref()?));
        self.places.by_number.iter().filter_map(state)
    }

    /// Calls `each` with the open windows in the order of their numbers.
    pub(crate) fn for_each(&mut self, mut each: impl FnMut(i64, &mut T)) {
        for (number, place) in &self.places.by_number {
            if let Some(state) = &mut self.states[*place] {
                each(*number, state);
            }
        }
    }

    /// Closes the first open window.
    pub(crate) fn pop_first(&mut self) -> Option<(i64, T)> {
        // A window whose state could not be made, since that panicked, has none.
        loop {
            let (number, place) = self.places.pop_first()?;
            if self.last == Some((number, place)) {
                self.last = None;
            }
            let state = self.states[place].take();
            if self.states.len() > KEPT && 4 * self.len() < self.states.len() {
                self.give_room_back();
            }
            if let Some(state) = state {
                return Some((number, state));
            }
        }
    }

    /// Gives the open windows new places, without free ones.
    fn give_room_back(&mut self) {
        let mut states = Vec::with_capacity(self.len());
        for place in self.places.by_number.values_mut() {
            states.push(self.states[*place].take());
            *place = states.len() - 1;
        }
        self.places.free = Vec::new();
        (self.states, self.last) = (states, None);
    }

    /// Closes the first open window if its number is less than `first_open`.
    pub(crate) fn pop_before(&mut self, first_open: i64) -> Option<T> {
        self.first().filter(|first| *first < first_open)?;
        self.pop_first().map(|(_, state)| state)
    }

    /// Closes all windows; returns their states in the order of their numbers.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        let Self { mut states, places, .. } = std::mem::replace(self, Self::new());
        places.by_number.into_values().filter_map(move |place| states[place].take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_close_in_the_order_of_their_numbers_and_their_places_are_used_again() {
        let mut windows = OpenWindows::new();
        let put = |windows: &mut OpenWindows<u32>, number| *windows.of(number, || 0) += 1;
        for number in [7, 3, 3, 7, -1, 3] {
            put(&mut windows, number);
        }
        assert_eq!((windows.len(), windows.first(), windows.last()), (3, Some(-1), Some(7)));
        assert_eq!(windows.iter().collect::<Vec<_>>(), [(-1, &1), (3, &3), (7, &2)]);
        assert_eq!([4, 4, 4].map(|before| windows.pop_before(before)), [Some(1), Some(3), None]);
        assert!(!windows.contains(3) && windows.contains(7));
        put(&mut windows, 3);
        assert_eq!(windows.get_mut(3), Some(&mut 1));
        assert_eq!(windows.states.len(), 3);
        put(&mut windows, 9);
        assert_eq!((windows.states().sum::<u32>(), windows.states.len()), (4, 3));
        windows.states_mut().for_each(|state| *state *= 10);
        let mut seen = Vec::new();
        windows.for_each(|number, state| seen.push((number, *state)));
        assert_eq!(seen, [(3, 10), (7, 20), (9, 10)]);
        assert_eq!(windows.pop_first(), Some((3, 10)));
        assert_eq!(windows.get_mut(3), None);
        assert_eq!(windows.get_mut(9), Some(&mut 10));
        assert_eq!(windows.take_all().collect::<Vec<_>>(), [20, 10]);
        assert_eq!((windows.len(), windows.first(), windows.pop_first()), (0, None, None));
        put(&mut windows, 9);
        assert_eq!(*windows.of(9, || 0), 1);
    }

    #[test]
    fn the_room_of_many_windows_is_given_back_as_they_close() {
        let mut windows = OpenWindows::new();
        (0..10_000).for_each(|number| *windows.of(number, || 0) += number);
        *windows.of(i64::MAX, || 0) += 7;
        for left in (1..=10_000).rev() {
            let closes = 10_000 - left;
            assert_eq!(windows.pop_before(10_000), Some(closes));
            assert!(windows.states.len() <= (4 * windows.len()).max(KEPT), "{}", windows.states.len());
            assert_eq!(windows.places.free.len() + windows.len(), windows.states.len());
        }
        assert_eq!(windows.iter().collect::<Vec<_>>(), [(i64::MAX, &7)]);
        assert_eq!(windows.pop_before(10_000), None);
        *windows.of(5, || 0) += 1;
        assert_eq!(windows.take_all().collect::<Vec<_>>(), [1, 7]);
    }
}
