//! What a source is, and how its parts are read.

use std::task::Waker;
use std::time::Duration;

use stage_core::BoxError;

/// A description of events outside of a flow. It can be read again and again, each time from the start.
pub trait Source: Clone + Send + Sync + 'static {
    /// The events.
    type Item: Send + 'static;
    /// A part of them.
    type Part: Part<Item = Self::Item>;

    /// The parts, at most `most` unless there are more that cannot be joined.
    ///
    /// # Errors
    ///
    /// If the source cannot be read.
    fn parts(&self, most: usize) -> Result<Vec<Self::Part>, BoxError>;

    /// How many parts there are if nobody says how many there may be.
    fn count(&self) -> usize {
        self.parts(usize::MAX).map_or(1, |parts| parts.len())
    }

    /// What it is, in a few words.
    fn name(&self) -> String;
}

/// A part of a source, at some place in it.
pub trait Part: Send + 'static {
    /// The events.
    type Item: Send + 'static;

    /// Called once before the first [`read`](Self::read) with what a part that answers [`More::Later`] wakes
    /// when there may be more.
    fn wake_by(&mut self, waker: &Waker) {
        let _ = waker;
    }

    /// How many events are best read in one go; few where each is large.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// Gives `each` the next `most` events, or as many as there are.
    ///
    /// # Errors
    ///
    /// If an event cannot be read. The flow fails then, behind the events that `each` got before; the part is
    /// not read again.
    fn read(&mut self, most: usize, each: &mut impl FnMut(Self::Item)) -> Result<More, BoxError>;

    /// Gives `taker` the next `most` events in one go, or as many as there are; nothing if there are none. A
    /// part that has its events at hand gives them as they are, without storing them once more.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), after `taker` got the events that were read before.
    #[doc(hidden)]
    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<Self::Item>) -> Result<More, BoxError> {
        let mut events = Vec::with_capacity(most);
        let read = self.read(most, &mut |event| events.push(event));
        if !events.is_empty() {
            taker.take(events.into_iter());
        }
        read
    }

    /// After how much waiting [`idle`](Self::idle) is to be called, if at all.
    #[doc(hidden)]
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// It has answered [`More::Later`] so long ago, and nothing came since; it may have something to say.
    #[doc(hidden)]
    fn idle(&mut self) -> Option<Self::Item> {
        None
    }

    /// It has come to its end; it may have something to say.
    #[doc(hidden)]
    fn end(&mut self) -> Option<Self::Item> {
        None
    }
}

/// Takes events, by whatever iterator they come.
#[doc(hidden)]
pub trait Taker<T> {
    /// Takes all of them; there is at least one.
    fn take(&mut self, events: impl Iterator<Item = T>);
}

/// Whether there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// There may be.
    Yes,
    /// Not now; the waker that was given will be woken when there may be.
    Later,
    /// There is not, and there will not be.
    No,
}
