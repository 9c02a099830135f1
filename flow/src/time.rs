//! Does a flow know when its events happened? What each event carries if it does.

use std::fmt::Debug;

/// Whether the events of a flow carry the time at which they happened.
///
/// Implemented by [`Untimed`] and [`Timed`]; nothing else can be.
pub trait Time: sealed::Sealed + Clone + Debug + Send + Sync + 'static {
    /// What an event carries.
    type Stamp: Copy + Debug + Send + 'static;
    /// An event with its stamp, as it goes from stage to stage.
    type Of<T: Send + 'static>: Send + 'static;

    /// An event and its stamp.
    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> (Self::Stamp, T);

    /// The event itself, to be looked at.
    #[doc(hidden)]
    fn event<T: Send + 'static>(carried: &Self::Of<T>) -> &T;

    /// An event that carries `stamp`.
    #[doc(hidden)]
    fn close<T: Send + 'static>(stamp: Self::Stamp, event: T) -> Self::Of<T>;

    /// When it happened, if that is known.
    #[doc(hidden)]
    fn moment(stamp: Self::Stamp) -> Option<Stamp>;
}

/// The events of a flow carry no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untimed;

/// The events of a flow carry the time at which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed;

/// When an event happened, and how far its source was then. In milliseconds, since any origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When it happened.
    pub at: i64,
    /// The latest time its source had seen when it made the event, this one included: its watermark.
    pub watermark: i64,
    /// Which part of the source made it.
    pub source: u32,
    /// How many parts there are.
    pub sources: u32,
}

/// An event and when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    pub(crate) stamp: Stamp,
    pub(crate) event: T,
}

impl Time for Untimed {
    type Stamp = ();
    type Of<T: Send + 'static> = T;

    fn open<T: Send + 'static>(carried: T) -> ((), T) {
        ((), carried)
    }

    fn event<T: Send + 'static>(carried: &T) -> &T {
        carried
    }

    fn close<T: Send + 'static>((): (), event: T) -> T {
        event
    }

    fn moment((): ()) -> Option<Stamp> {
        None
    }
}

impl Time for Timed {
    type Stamp = Stamp;
    type Of<T: Send + 'static> = Stamped<T>;

    fn open<T: Send + 'static>(carried: Stamped<T>) -> (Stamp, T) {
        (carried.stamp, carried.event)
    }

    fn event<T: Send + 'static>(carried: &Stamped<T>) -> &T {
        &carried.event
    }

    fn close<T: Send + 'static>(stamp: Stamp, event: T) -> Stamped<T> {
        Stamped { stamp, event }
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
