//! Who says when an event happened: nobody, or a function of the event.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::time::{Stamp, Stamped, Time, Timed, Untimed};

/// How the events of a source get their stamps.
pub trait Stamper<T: Send + 'static>: Clone + Send + Sync + 'static {
    /// What they carry then.
    type Time: Time;
    /// The stamper of one part.
    type Live: LiveStamper<T, Time = Self::Time>;

    /// The stamper of one part.
    #[doc(hidden)]
    fn live(&self) -> Self::Live;
}

/// Stamps the events of one part, in their order.
pub trait LiveStamper<T: Send + 'static>: Send + 'static {
    /// What they carry then.
    type Time: Time;

    /// Stamps the next event.
    #[doc(hidden)]
    fn stamp(&mut self, event: T) -> <Self::Time as Time>::Of<T>;
}

/// Events carry no time.
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

/// A function says when an event happened; the watermark is the latest time seen in the part so far.
pub struct ByTime<F> {
    pub(crate) function: Arc<F>,
    /// An event that is later than the watermark by more than this is not believed: the watermark does not
    /// follow it. In milliseconds.
    pub(crate) most_ahead: i64,
}

/// The same, of one part.
pub struct LiveByTime<T, F> {
    function: Arc<F>,
    most_ahead: i64,
    watermark: Option<i64>,
    takes: PhantomData<fn(T)>,
}

impl<F> Clone for ByTime<F> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function), most_ahead: self.most_ahead }
    }
}

impl<F> fmt::Debug for ByTime<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByTime").finish_non_exhaustive()
    }
}

impl<T, F> fmt::Debug for LiveByTime<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveByTime").field("watermark", &self.watermark).finish_non_exhaustive()
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
            most_ahead: self.most_ahead,
            watermark: None,
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

    fn stamp(&mut self, event: T) -> Stamped<T> {
        let at = (self.function)(&event);
        let watermark = match self.watermark {
            Some(seen) if at.saturating_sub(seen) > self.most_ahead => seen,
            Some(seen) => seen.max(at),
            None => at,
        };
        self.watermark = Some(watermark);
        Stamped { stamp: Stamp { at, watermark, reached: watermark }, event }
    }
}
