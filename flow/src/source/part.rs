//! The traits of sources and their parts.

use std::iter;
use std::ops::ControlFlow;
use std::task::Waker;
use std::time::Duration;

use stage_core::BoxError;

use crate::time::Progress;

/// A description of events outside of a flow. It can be read repeatedly, each time from the start.
pub trait Source: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Item: Send + 'static;
    /// A part of the source.
    type Part: Part<Item = Self::Item>;

    /// Returns the parts of the source: at most `most`, unless there are more that cannot be joined.
    ///
    /// # Errors
    ///
    /// Returns an error if the source cannot be read.
    fn parts(&self, most: usize) -> Result<Vec<Self::Part>, BoxError>;

    /// Returns the number of parts if no limit is set.
    fn count(&self) -> usize {
        self.parts(usize::MAX).map_or(1, |parts| parts.len())
    }

    /// Returns a short description of the source.
    fn name(&self) -> String;

    /// Returns whether the source can be read more than once.
    #[doc(hidden)]
    fn repeats(&self) -> bool {
        true
    }
}

/// A part of a source, at its current position.
pub trait Part: Send + 'static {
    /// The type of the events.
    type Item: Send + 'static;

    /// Called once before the first [`read`](Self::read): a part that returns [`More::Later`] wakes `waker`
    /// when there may be more events.
    fn wake_by(&mut self, waker: &Waker) {
        let _ = waker;
    }

    /// Returns the number of events that are best read in one call; small if each event is large.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// Passes up to `most` of the next events to `each`.
    ///
    /// # Errors
    ///
    /// Returns an error if an event cannot be read. The flow then fails after the events that `each` got
    /// before; the part is not read again.
    fn read(&mut self, most: usize, each: &mut impl FnMut(Self::Item)) -> Result<More, BoxError>;

    /// Passes up to `most` of the next events to `taker` in one call; does not call it if there are none. The
    /// events that the taker leaves are the next ones. A part that reads one event at a time passes them
    /// directly, without storing them.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`](Self::read), after `taker` got the events that were read before.
    #[doc(hidden)]
    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<Self::Item>) -> Result<More, BoxError> {
        // What `read` has passed cannot be left.
        let most = most.min(taker.wanted().max(1));
        let mut events = Vec::with_capacity(most);
        let read = self.read(most, &mut |event| events.push(event));
        if !events.is_empty() {
            taker.take_all(events.into_iter());
        }
        read
    }

    /// Returns how long to wait before [`idle`](Self::idle) is called, if at all.
    #[doc(hidden)]
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Called when [`patience`](Self::patience) has passed since the part returned [`More::Later`], without a
    /// new event; may return the progress to announce.
    #[doc(hidden)]
    fn idle(&mut self) -> Option<Progress> {
        None
    }

    /// Called at the end of the part; may return the progress to announce.
    #[doc(hidden)]
    fn end(&mut self) -> Option<Progress> {
        None
    }
}

/// Takes events from an iterator of any type.
#[doc(hidden)]
pub trait Taker<T> {
    /// Returns the number of events that it wants, at least 1; more, if it drops some of those that it takes.
    fn wanted(&self) -> usize;

    /// Takes events of the iterator until it has what it wants, at least one; leaves the others in it. Returns the
    /// number of events that it has taken.
    fn take(&mut self, events: impl Iterator<Item = T>) -> usize;

    /// Takes all events of the iterator; there is at least one.
    fn take_all(&mut self, events: impl Iterator<Item = T>);
}

/// Takes all events, one at a time.
pub(super) struct Each<'a, F>(pub(super) &'a mut F);

impl<T, F: FnMut(T)> Taker<T> for Each<'_, F> {
    fn wanted(&self) -> usize {
        usize::MAX
    }

    fn take(&mut self, events: impl Iterator<Item = T>) -> usize {
        let mut taken = 0;
        events.for_each(|event| {
            taken += 1;
            (self.0)(event);
        });
        taken
    }

    fn take_all(&mut self, events: impl Iterator<Item = T>) {
        events.for_each(&mut *self.0);
    }
}

/// Passes up to `most` events to `taker`, which `next` reads one at a time, as they are taken: [`Part::read_in_one`]
/// of a part that can do so.
pub(super) fn read_each<T>(
    most: usize,
    taker: &mut impl Taker<T>,
    mut next: impl FnMut() -> Result<ControlFlow<More, T>, BoxError>,
) -> Result<More, BoxError> {
    let mut read = Ok(More::Yes);
    let events = iter::from_fn(|| match next() {
        Ok(ControlFlow::Continue(event)) => Some(event),
        Ok(ControlFlow::Break(more)) => {
            read = Ok(more);
            None
        }
        Err(error) => {
            read = Err(error);
            None
        }
    });
    let mut events = events.fuse().take(most);
    if let Some(first) = events.next() {
        taker.take(iter::once(first).chain(events));
    }
    read
}

/// Whether a part has more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There may be more events now.
    Yes,
    /// There are none now; the part wakes its waker when there may be more.
    Later,
    /// The part has ended.
    No,
}

#[cfg(test)]
mod tests;
