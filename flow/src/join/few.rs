//! The events of one key: none, one, or many.

use std::collections::VecDeque;

/// A queue that allocates only for a second event, as most keys have one event per side.
#[allow(clippy::box_collection, reason = "a pointer keeps a queue of one small event small")]
pub(super) enum Few<T> {
    None,
    One(T),
    Many(Box<VecDeque<T>>),
}

impl<T> Few<T> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn push(&mut self, event: T) {
        match self {
            Self::None => *self = Self::One(event),
            Self::One(_) => self.push_second(event),
            Self::Many(many) => many.push_back(event),
        }
    }

    #[inline(never)]
    fn push_second(&mut self, event: T) {
        if let Self::One(first) = std::mem::replace(self, Self::None) {
            *self = Self::Many(Box::new(VecDeque::from([first, event])));
        }
    }

    /// Removes the oldest event.
    pub(super) fn pop(&mut self) -> Option<T> {
        match self {
            Self::Many(many) => many.pop_front(),
            Self::None | Self::One(_) => match std::mem::replace(self, Self::None) {
                Self::One(event) => Some(event),
                Self::None | Self::Many(_) => None,
            },
        }
    }

    /// Passes the events to `each`, the youngest first.
    #[inline]
    pub(super) fn youngest_first(&self, mut each: impl FnMut(&T)) {
        match self {
            Self::None => {}
            Self::One(event) => each(event),
            Self::Many(many) => many.iter().rev().for_each(each),
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::collections::vec_deque::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self {
            Self::None => (None, VecDeque::new()),
            Self::One(event) => (Some(event), VecDeque::new()),
            Self::Many(many) => (None, *many),
        };
        one.into_iter().chain(many)
    }
}

/// Passes the pairs of `one` with each of `others` to `sink`, the youngest first; `one` is cloned for all but the
/// last.
#[inline]
pub(super) fn pair_up<T: Clone, U>(one: T, others: &Few<U>, mut sink: impl FnMut(T, &U)) {
    match others {
        Few::None => {}
        Few::One(other) => sink(one, other),
        Few::Many(others) => pair_up_many(one, others, sink),
    }
}

#[inline(never)]
fn pair_up_many<T: Clone, U>(one: T, others: &VecDeque<U>, mut sink: impl FnMut(T, &U)) {
    let mut others = others.iter().rev();
    let Some(mut other) = others.next() else { return };
    for next in others {
        sink(one.clone(), other);
        other = next;
    }
    sink(one, other);
}
