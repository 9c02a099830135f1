//! Events that come too late for every window they belong to.

use std::sync::Arc;

/// An event that came too late. Times are in milliseconds, since the origin that the flow counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Late<T> {
    /// The event, as it came to the layer.
    pub event: T,
    /// When it happened.
    pub at: i64,
    /// The watermark that it came after: its last window ended that much earlier than this, allowed lateness
    /// included, or before.
    pub watermark: i64,
}

/// Takes late events.
pub(crate) type TakesLate<T> = Arc<dyn Fn(Late<T>) + Send + Sync>;
