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

    pub(super) fn push(&mut self, event: T) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(event),
            Self::One(first) => Self::Many(Box::new(VecDeque::from([first, event]))),
            Self::Many(mut many) => {
                many.push_back(event);
                Self::Many(many)
            }
        };
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

    pub(super) fn youngest_first(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(event) => (Some(event), None),
            Self::Many(many) => (None, Some(&**many)),
        };
        one.into_iter().chain(many.into_iter().flat_map(|many| many.iter().rev()))
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
    if let Few::One(other) = others {
        return sink(one, other);
    }
    let mut others = others.youngest_first();
    let Some(mut other) = others.next() else { return };
    for next in others {
        sink(one.clone(), other);
        other = next;
    }
    sink(one, other);
}
