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

    /// The stamp of an event that is sent on by a stage which all ways have brought so far.
    #[doc(hidden)]
    fn sent_on(stamp: Self::Stamp, reached: i64) -> Self::Stamp;

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
    /// The latest time its source had seen when it made the event, this one included: what is late goes by
    /// that.
    pub watermark: i64,
    /// What all ways into the stage that sent it had reached: whoever receives it gets nothing from there
    /// any more that happened in a window which ended by then, but what is late. What is over goes by that.
    pub reached: i64,
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

    fn sent_on((): (), _reached: i64) {}

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
