//! A stage's buffer as a plain value.

use crate::base::options::{Capacity, Keep};
use crate::dispatch::Marker;
use crate::dispatch::supply::buffer;

/// The buffer for events without demand that every producing stage has, as a plain value.
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
///
/// Events that could not be delivered go back to the front:
///
/// ```
/// use stage_core::testing::Buffer;
/// use stage_core::{Capacity, Keep};
///
/// let mut buffer = Buffer::new(Capacity::Unbounded, Keep::Last);
/// buffer.store(['b', 'c']);
/// buffer.put_back(['a']);
/// assert_eq!(buffer.take(2), (vec!['a', 'b'], vec![]));
/// ```
#[derive(Debug)]
pub struct Buffer<E>(buffer::Buffer<E>);

impl<E> Buffer<E> {
    /// Creates an empty buffer.
    pub fn new(capacity: Capacity, keep: Keep) -> Self {
        Self(buffer::Buffer::new(capacity, keep))
    }

    /// Returns the number of events in the buffer.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the buffer contains no events.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Stores events; returns the number of discarded events, and the markers passed because of that.
    pub fn store(&mut self, events: impl IntoIterator<Item = E>) -> (usize, Vec<Marker>) {
        let discarded = self.0.store(&mut events.into_iter().collect());
        (discarded, self.passed())
    }

    /// Places a marker behind the present events; returns it if there are none.
    pub fn mark(&mut self, marker: Marker) -> Option<Marker> {
        self.0.mark(marker)
    }

    /// Takes up to `most` of the oldest events, stopping at a marker; returns them with the markers passed.
    pub fn take(&mut self, most: usize) -> (Vec<E>, Vec<Marker>) {
        let mut taken = Vec::new();
        self.0.take(most, &mut taken);
        (taken, self.passed())
    }

    /// Puts events back at the front.
    pub fn put_back(&mut self, events: impl IntoIterator<Item = E>) {
        self.0.put_back(&mut events.into_iter().collect());
    }

    fn passed(&mut self) -> Vec<Marker> {
        std::iter::from_fn(|| self.0.passed()).collect()
    }
}
