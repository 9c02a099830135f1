//! Stampers: assign event times to the events of a source, or none.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::clock::Clock;
use crate::time::{Progress, Stamp, Stamped, Time, Timed, Untimed};

/// Stamps the events of a source.
pub trait Stamper<T: Send + 'static>: Clone + Send + Sync + 'static {
    /// Whether the stamped events carry time.
    type Time: Time;
    /// The stamper of one part.
    type Live: LiveStamper<T, Time = Self::Time>;

    /// Creates the stamper of one part.
    #[doc(hidden)]
    fn live(&self) -> Self::Live;
}

/// Stamps the events of one part, in their order.
pub trait LiveStamper<T: Send + 'static>: Send + 'static {
    /// Whether the stamped events carry time.
    type Time: Time;

    /// Stamps the next event.
    #[doc(hidden)]
    fn stamp(&mut self, event: T) -> <Self::Time as Time>::Of<T>;

    /// Returns how long to wait before the part counts as idle, if at all.
    #[doc(hidden)]
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Called when the part is idle; returns the progress to announce.
    #[doc(hidden)]
    fn idle(&mut self) -> Option<Progress> {
        None
    }

    /// Called at the end of the part; returns the progress to announce.
    #[doc(hidden)]
    fn end(&mut self) -> Option<Progress> {
        None
    }
}

/// The stamper of untimed flows: events carry no time.
#[derive(Clone, Copy, Debug)]
pub struct NoStamp;

impl<T: Send + 'static> Stamper<T> for NoStamp {
    type Time = Untimed;
    type Live = Self;

    fn live(&self) -> Self {
        Self
    }
}

impl<T: Send + 'static> LiveStamper<T> for NoStamp {
    type Time = Untimed;

    #[inline]
    fn stamp(&mut self, event: T) -> T {
        event
    }
}

/// Stamps events with the time that a function returns; each part has a watermark.
pub struct ByTime<F> {
    pub(crate) function: Arc<F>,
    /// An event that is later than the watermark by more than this is considered implausible: the watermark
    /// does not follow it, unless many in a row are too far ahead. In milliseconds.
    pub(crate) most_ahead: i128,
    /// How long to wait before a part counts as idle.
    pub(crate) idle_after: Option<Duration>,
}

/// The stamper of one part of a [`ByTime`].
pub struct LiveByTime<T, F> {
    function: Arc<F>,
    idle_after: Option<Duration>,
    clock: Clock,
    takes: PhantomData<fn(T)>,
}

impl<F> Clone for ByTime<F> {
    fn clone(&self) -> Self {
        let Self { most_ahead, idle_after, .. } = *self;
        Self { function: Arc::clone(&self.function), most_ahead, idle_after }
    }
}

impl<F> fmt::Debug for ByTime<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByTime").finish_non_exhaustive()
    }
}

impl<T, F> fmt::Debug for LiveByTime<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveByTime").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl<T, F> Stamper<T> for ByTime<F>
where
    T: Send + 'static,
    F: Fn(&T) -> i64 + Send + Sync + 'static,
{
    type Time = Timed;
    type Live = LiveByTime<T, F>;

    fn live(&self) -> LiveByTime<T, F> {
        LiveByTime {
            function: Arc::clone(&self.function),
            idle_after: self.idle_after,
            clock: Clock::new(self.most_ahead),
            takes: PhantomData,
        }
    }
}

impl<T, F> LiveStamper<T> for LiveByTime<T, F>
where
    T: Send + 'static,
    F: Fn(&T) -> i64 + Send + Sync + 'static,
{
    type Time = Timed;

    #[inline]
    fn stamp(&mut self, event: T) -> Stamped<T> {
        let at = (self.function)(&event);
        let watermark = self.clock.pass(at);
        Stamped { stamp: Stamp { at, watermark, reached: watermark }, event }
    }

    fn patience(&self) -> Option<Duration> {
        self.idle_after
    }

    fn idle(&mut self) -> Option<Progress> {
        let reached = self.clock.pause().unwrap_or(i64::MIN);
        Some(Progress { reached, idle: true })
    }

    fn end(&mut self) -> Option<Progress> {
        let reached = self.clock.end()?;
        Some(Progress { reached, idle: false })
    }
}
