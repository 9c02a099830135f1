//! Events that are too late for every window they belong to.

use std::sync::Arc;

/// An event that came too late. Times are in milliseconds since the flow's origin of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Late<T> {
    /// The event, as it entered the layer.
    pub event: T,
    /// The time at which it happened.
    pub at: i64,
    /// The watermark that it came after: the last window of the event, plus the allowed lateness, ended at or
    /// before this time.
    pub watermark: i64,
}

/// A function called with late events.
pub(crate) type TakesLate<T> = Arc<dyn Fn(Late<T>) + Send + Sync>;
