//! The kinds of event time: untimed flows and timed flows, and what differs between their stages.

use std::fmt::Debug;
use std::sync::Arc;

use stage_core::dispatch::{DemandDispatcher, Dispatcher, PartitionDispatcher};

use super::by_demand::Timely;
use super::by_partition::Announcing;
use super::{Carried, Progress, Stamp, Stamped};

/// Creates a dispatcher for each stage of a layer, and again at a restart.
pub(crate) type MakeDispatcher<E> = Arc<dyn Fn() -> Box<dyn Dispatcher<E>> + Send + Sync>;

/// Whether the events of a flow carry the time at which they happened.
///
/// Sealed; implemented by [`Untimed`] and [`Timed`] only.
pub trait Time: sealed::Sealed + Clone + Debug + Send + Sync + 'static {
    /// The time information that each event carries.
    type Stamp: Copy + Debug + Send + 'static;
    /// The item that stages exchange: an event with its stamp, or a progress mark.
    type Of<T: Send + 'static>: Send + 'static;

    /// Splits an item into an event and its stamp, or a mark.
    #[doc(hidden)]
    fn open<T: Send + 'static>(carried: Self::Of<T>) -> Carried<Self::Stamp, T>;

    /// Borrows the event of an item; `None` for a mark.
    #[doc(hidden)]
    fn event<T: Send + 'static>(carried: &Self::Of<T>) -> Option<&T>;

    /// Wraps an event that carries `stamp`.
    #[doc(hidden)]
    fn close<T: Send + 'static>(stamp: Self::Stamp, event: T) -> Self::Of<T>;

    /// Creates a mark for all subscribers of a stage; `None` if events carry no time.
    #[doc(hidden)]
    fn mark<T: Send + 'static>(progress: Progress) -> Option<Self::Of<T>>;

    /// Returns the stamp of a forwarded event; `reached` is the progress of all inputs of the forwarding
    /// stage.
    #[doc(hidden)]
    fn sent_on(stamp: Self::Stamp, reached: i64) -> Self::Stamp;

    /// Returns the time of an event, if it carries one.
    #[doc(hidden)]
    fn moment(stamp: Self::Stamp) -> Option<Stamp>;

    /// Returns how to create dispatchers that send events by demand and marks to all subscribers; `None` if
    /// there are no marks, so that the default dispatcher will do.
    #[doc(hidden)]
    fn by_demand<T: Send + 'static>() -> Option<MakeDispatcher<Self::Of<T>>>;

    /// Creates a dispatcher that sends each event to the partition that `route` returns, and marks to all
    /// partitions.
    #[doc(hidden)]
    fn by_partition<T, F>(partitions: usize, route: F) -> Box<dyn Dispatcher<Self::Of<T>>>
    where
        T: Send + 'static,
        F: FnMut(Self::Of<T>) -> Option<(Self::Of<T>, usize)> + Send + 'static;
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

    #[inline]
    fn open<T: Send + 'static>(carried: T) -> Carried<(), T> {
        Carried::Event((), carried)
    }

    fn event<T: Send + 'static>(carried: &T) -> Option<&T> {
        Some(carried)
    }

    fn close<T: Send + 'static>((): (), event: T) -> T {
        event
    }

    fn mark<T: Send + 'static>(_progress: Progress) -> Option<T> {
        None
    }

    fn sent_on((): (), _reached: i64) {}

    fn moment((): ()) -> Option<Stamp> {
        None
    }

    fn by_demand<T: Send + 'static>() -> Option<MakeDispatcher<T>> {
        None
    }

    fn by_partition<T, F>(partitions: usize, route: F) -> Box<dyn Dispatcher<T>>
    where
        T: Send + 'static,
        F: FnMut(T) -> Option<(T, usize)> + Send + 'static,
    {
        // No partitions is the only possible error, and a layer has at least one stage.
        match PartitionDispatcher::routed(partitions.max(1), route) {
            Ok(dispatcher) => Box::new(dispatcher),
            Err(_) => Box::new(DemandDispatcher::default()),
        }
    }
}

impl Time for Timed {
    type Stamp = Stamp;
    type Of<T: Send + 'static> = Stamped<T>;

    #[inline]
    fn open<T: Send + 'static>(carried: Stamped<T>) -> Carried<Stamp, T> {
        match carried {
            Stamped::Event(stamp, event) => Carried::Event(stamp, event),
            Stamped::Mark(progress, _) => Carried::Mark(progress),
        }
    }

    fn event<T: Send + 'static>(carried: &Stamped<T>) -> Option<&T> {
        match carried {
            Stamped::Event(_, event) => Some(event),
            Stamped::Mark(..) => None,
        }
    }

    fn close<T: Send + 'static>(stamp: Stamp, event: T) -> Stamped<T> {
        Stamped::Event(stamp, event)
    }

    fn mark<T: Send + 'static>(progress: Progress) -> Option<Stamped<T>> {
        Some(Stamped::Mark(progress, None))
    }

    fn sent_on(stamp: Stamp, reached: i64) -> Stamp {
        Stamp { reached, ..stamp }
    }

    fn moment(stamp: Stamp) -> Option<Stamp> {
        Some(stamp)
    }

    fn by_demand<T: Send + 'static>() -> Option<MakeDispatcher<Stamped<T>>> {
        Some(Arc::new(|| Box::new(Timely::new())))
    }

    fn by_partition<T, F>(partitions: usize, route: F) -> Box<dyn Dispatcher<Stamped<T>>>
    where
        T: Send + 'static,
        F: FnMut(Stamped<T>) -> Option<(Stamped<T>, usize)> + Send + 'static,
    {
        match Announcing::new(partitions.max(1), route) {
            Ok(dispatcher) => Box::new(dispatcher),
            Err(_) => Box::new(Timely::new()),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Untimed {}
    impl Sealed for super::Timed {}
}
