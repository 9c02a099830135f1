//! The traffic between two steps.

use std::time::Duration;

use super::snapshot::LinkSnapshot;

/// The traffic along all links between two steps, in the time between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LinkActivity {
    /// The step that emits.
    pub from: String,
    /// The step that takes, or the name of a consumer from outside.
    pub to: String,
    /// Events that were asked for.
    pub asked: u64,
    /// Events that were sent.
    pub sent: u64,
    /// Events that were handled.
    pub handled: u64,
    /// Events in flight, that is, sent and not handled: the mean of the two snapshots.
    pub in_flight: f64,
    /// Events asked for and not sent: the mean of the two snapshots.
    pub unmet: f64,
    /// The maximum number of events that could be in flight, at the end.
    pub room: u64,
    /// The number of links between copies, at the end.
    pub links: u64,
    /// The share of the room at or below which the consumers ask for more: `min_demand` divided by
    /// `max_demand`. If the producers keep up with a consumer, it never has less in flight for long.
    pub threshold: f64,
}

#[allow(clippy::cast_precision_loss, reason = "means need no more than 52 bits")]
impl LinkActivity {
    #[inline]
    pub(super) fn between(earlier: Option<&LinkSnapshot>, later: &LinkSnapshot) -> Self {
        let since = |count: fn(&LinkSnapshot) -> u64| count(later).saturating_sub(earlier.map_or(0, count));
        let before = earlier.unwrap_or(later);
        Self {
            from: later.from.clone(),
            to: later.to.clone(),
            asked: since(|link| link.asked),
            sent: since(|link| link.sent),
            handled: since(|link| link.handled),
            in_flight: f64::midpoint(before.in_flight as f64, later.in_flight as f64),
            unmet: f64::midpoint(before.unmet as f64, later.unmet as f64),
            room: later.max_demand,
            links: later.links,
            threshold: ratio(later.min_demand as f64, later.max_demand),
        }
    }

    /// Returns the sum of the links' `min_demand`.
    #[inline]
    pub(super) fn least(&self) -> f64 {
        self.threshold * self.room as f64
    }

    /// Returns the share of the room that is in flight, from 0 to 1.
    #[inline]
    pub fn fill(&self) -> f64 {
        ratio(self.in_flight, self.room)
    }

    /// Returns the time that an event is in flight, from its sending to the end of its handling, by Little's
    /// law: the number of events in flight divided by the rate of handled events. `None` if no event was
    /// handled.
    #[inline]
    pub fn wait(&self, elapsed: Duration) -> Option<Duration> {
        let wait = elapsed.as_secs_f64() * self.in_flight / self.handled as f64;
        (self.handled > 0).then(|| Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX))
    }
}

#[allow(clippy::cast_precision_loss, reason = "means need no more than 52 bits")]
#[inline]
fn ratio(part: f64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { (part / all as f64).min(1.0) }
}
