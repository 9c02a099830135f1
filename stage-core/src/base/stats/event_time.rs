//! The event time of the partitions of a flow.

use std::fmt;
use std::time::Duration;

use crate::sync::Arc;

/// The event time of one partition of a flow.
///
/// ```
/// use stage_core::watch::EventTime;
///
/// let mut time = EventTime::new("orders by hour", 2);
/// assert_eq!((time.partition, time.watermark, time.late), (2, None, 0));
/// time.watermark = Some(1_700_000_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EventTime {
    /// The layer of the flow.
    pub step: String,
    /// The index of the partition, from 0.
    pub partition: usize,
    /// The watermark, in milliseconds since the flow's origin of time; `None` before the first event.
    pub watermark: Option<i64>,
    /// The time by which the watermark is behind the latest event time known to any partition; `None` before
    /// the first event.
    pub lag: Option<Duration>,
    /// Events that came too late for every window that they belong to.
    pub late: u64,
}

impl EventTime {
    /// Describes a partition that has seen no event.
    pub fn new(step: impl Into<String>, partition: usize) -> Self {
        Self { step: step.into(), partition, watermark: None, lag: None, late: 0 }
    }
}

/// Reads the event time of all partitions.
#[derive(Clone)]
pub(crate) struct EventTimes(Arc<dyn Fn() -> Vec<EventTime> + Send + Sync>);

impl EventTimes {
    pub(crate) fn new(read: impl Fn() -> Vec<EventTime> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    #[inline]
    pub(crate) fn read(&self) -> Vec<EventTime> {
        (self.0)()
    }
}

impl fmt::Debug for EventTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventTimes")
    }
}
