//! The kinds of event time: untimed flows and timed flows, and what differs between their events.

use std::fmt::Debug;

use super::{Stamp, Stamped};

/// Whether the events of a flow carry the time at which they happened.
///
/// Sealed; implemented by [`Untimed`] and [`Timed`] only.
pub trait Time: sealed::Sealed + Clone + Debug + Send + Sync + 'static {
    /// The time information that each event carries.
    type Stamp: Copy + Debug + Send + 'static;
    /// An event with its stamp, as stages exchange it.
    type Of<T: Send + 'static>: Send + 'static;

    /// Whether there is any time to carry.
    #[doc(hidden)]
    const IS_TIMED: bool;

    /// Splits an item into the stamp and the event.
    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> (Self::Stamp, T);

    /// Borrows the event of an item.
    #[doc(hidden)]
    fn event<T: Send + 'static>(carried: &Self::Of<T>) -> &T;

    /// Wraps an event that carries `stamp`.
    #[doc(hidden)]
    fn close<T: Send + 'static>(stamp: Self::Stamp, event: T) -> Self::Of<T>;

    /// Returns the stamp of a forwarded event; `reached` is the progress of all inputs of the forwarding
    /// stage.
    #[doc(hidden)]
    fn sent_on(stamp: Self::Stamp, reached: i64) -> Self::Stamp;

    /// Returns the time of an event, if it carries one.
    #[doc(hidden)]
    fn moment(stamp: Self::Stamp) -> Option<Stamp>;
}

/// The kind of flows whose events carry no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untimed;

/// The kind of flows whose events carry the time at which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed;

impl Time for Untimed {
    type Stamp = ();
    type Of<T: Send + 'static> = T;

    const IS_TIMED: bool = false;

    #[inline]
    fn open<T: Send + 'static>(carried: T) -> ((), T) {
        ((), carried)
    }

    fn event<T: Send + 'static>(carried: &T) -> &T {
        carried
    }

    fn close<T: Send + 'static>((): (), event: T) -> T {
        event
    }

    fn sent_on((): (), _reached: i64) {}

    fn moment((): ()) -> Option<Stamp> {
        None
    }
}

impl Time for Timed {
    type Stamp = Stamp;
    type Of<T: Send + 'static> = Stamped<T>;

    const IS_TIMED: bool = true;

    #[inline]
    fn open<T: Send + 'static>(carried: Stamped<T>) -> (Stamp, T) {
        (carried.stamp, carried.event)
    }

    fn event<T: Send + 'static>(carried: &Stamped<T>) -> &T {
        &carried.event
    }

    fn close<T: Send + 'static>(stamp: Stamp, event: T) -> Stamped<T> {
        Stamped { stamp, event }
    }

    fn sent_on(stamp: Stamp, reached: i64) -> Stamp {
        Stamp { reached, ..stamp }
    }

    fn moment(stamp: Stamp) -> Option<Stamp> {
        Some(stamp)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Untimed {}
    impl Sealed for super::Timed {}
}
