//! Records the size and the time of each batch, while an operator wants them.

use tokio::time::Instant;
use tracing::level_filters::LevelFilter;

use super::kind::Kind;
use super::log;
use super::stage_loop::StageLoop;

impl<K: Kind> StageLoop<K> {
    /// Records that a batch, or a demand, of `events` is about to be handled.
    #[inline]
    pub(super) fn begin_batch(&mut self, events: usize) {
        if LevelFilter::current() >= LevelFilter::DEBUG {
            self.span = log::batch(&self.state.counters, events);
        }
        self.state.begin_batch(events);
        if let Some(histograms) = &self.io.orders.histograms {
            histograms.batch(events);
            self.batch_began = Some(Instant::now());
        }
    }

    /// Records that it was handled, without an error.
    #[inline]
    pub(super) fn end_batch(&mut self) {
        self.state.trace.end_batch();
        if let Some(histograms) = &self.io.orders.histograms
            && let Some(began) = self.batch_began.take()
        {
            histograms.callback(began.elapsed());
        }
    }
}
