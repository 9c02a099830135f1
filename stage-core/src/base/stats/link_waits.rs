//! The waits of events on a link, from their sending to the end of their handling, recorded on request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::Arc;
use crate::timed::Histogram;

/// A sample of the waits on a link: one event at a time has a time stamp. The producer writes the stamp, the
/// consumer takes it, and the producer writes the next one after that.
#[derive(Debug)]
pub(super) struct LinkWaits {
    origin: Instant,
    histogram: Arc<Histogram>,
    /// The number of the event with the stamp, and the nanoseconds at which it was sent.
    stamped: AtomicU64,
    stamp: AtomicU64,
    /// The number of the last event whose stamp was taken.
    taken: AtomicU64,
}

impl LinkWaits {
    pub(super) fn start() -> Self {
        Self {
            origin: Instant::now(),
            histogram: Arc::default(),
            stamped: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    pub(super) const fn histogram(&self) -> &Arc<Histogram> {
        &self.histogram
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes that `sent` events were sent so far. Called by the producer.
    pub(super) fn sent(&self, sent: u64) {
        let stamped = self.stamped.load(Ordering::Relaxed);
        if self.taken.load(Ordering::Acquire) == stamped && sent > stamped {
            self.stamp.store(self.now(), Ordering::Relaxed);
            self.stamped.store(sent, Ordering::Release);
        }
    }

    /// Notes that `handled` events were handled so far. Called by the consumer.
    pub(super) fn handled(&self, handled: u64) {
        let stamped = self.stamped.load(Ordering::Acquire);
        if stamped != self.taken.load(Ordering::Relaxed) && handled >= stamped {
            let wait = self.now().saturating_sub(self.stamp.load(Ordering::Relaxed));
            self.histogram.record(Duration::from_nanos(wait));
            self.taken.store(stamped, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::stats::link_counters::{LinkCounters, Links};

    #[tokio::test(start_paused = true)]
    async fn waits_are_those_from_the_sending_to_the_end_of_the_handling_and_outlive_the_link() {
        let links = Links::default();
        let counters = Arc::<LinkCounters>::default();
        links.open(1, "sink/0".into(), &counters);
        counters.sent(1);
        counters.measure();
        counters.sent(2);
        let wait = Duration::from_millis(40);
        tokio::time::sleep(wait).await;
        // The first one was sent before.
        counters.handled(1);
        assert_eq!(links.waits()[0].1.count(), 0);
        counters.handled(2);
        drop(counters);
        links.close(1);
        let waits = links.waits();
        assert_eq!((waits.len(), &*waits[0].0, waits[0].1.count()), (1, "sink/0", 1));
        assert_eq!(waits[0].1.max(), Some(wait));
    }
}
