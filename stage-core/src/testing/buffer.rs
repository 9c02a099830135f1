//! A stage's buffer on its own.

use crate::base::options::{Capacity, Keep};
use crate::dispatch::Marker;
use crate::dispatch::supply::buffer;

/// The buffer of undemanded events that every producing stage has, as a plain value.
///
/// ```
/// use stage_core::dispatch::Marker;
/// use stage_core::testing::Buffer;
/// use stage_core::{Capacity, Keep};
///
/// let mut buffer = Buffer::new(Capacity::Bounded(2), Keep::Last);
/// buffer.store(['a']);
/// assert_eq!(buffer.mark(Marker::new(1)), None);
/// assert_eq!(buffer.store(['b', 'c']), (1, vec![Marker::new(1)]));
/// assert_eq!(buffer.take(5), (vec!['b', 'c'], vec![]));
/// ```
#[derive(Debug)]
pub struct Buffer<E>(buffer::Buffer<E>);

impl<E> Buffer<E> {
    /// An empty buffer.
    pub fn new(capacity: Capacity, keep: Keep) -> Self {
        Self(buffer::Buffer::new(capacity, keep))
    }

    /// How many events are there.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no event is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Stores events; how many were discarded, and the markers that were passed because of that.
    pub fn store(&mut self, events: impl IntoIterator<Item = E>) -> (usize, Vec<Marker>) {
        let discarded = self.0.store(&mut events.into_iter().collect());
        (discarded, self.passed())
    }

    /// Puts a marker behind the events that are there; gives it back if there are none.
    pub fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.0.mark(marker)
    }

    /// Takes up to `most` of the oldest events, and stops at a marker; with the markers that were passed.
    pub fn take(&mut self, most: usize) -> (Vec<E>, Vec<Marker>) {
        let mut taken = Vec::new();
        self.0.take(most, &mut taken);
        (taken, self.passed())
    }

    /// Puts events back in front.
    pub fn put_back(&mut self, events: impl IntoIterator<Item = E>) {
        self.0.put_back(&mut events.into_iter().collect());
    }

    fn passed(&mut self) -> Vec<Marker> {
        std::iter::from_fn(|| self.0.passed()).collect()
    }
}
