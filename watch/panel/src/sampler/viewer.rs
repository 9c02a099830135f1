//! A viewer of one pipeline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::feed::Feed;

/// A viewer of one pipeline. It gets the newest tick, at most `hz` times a second; a slow one skips ticks.
#[derive(Debug)]
pub(crate) struct Viewer {
    feed: Arc<Feed>,
    hz: u64,
    ticks: watch::Receiver<Arc<str>>,
    due: Instant,
}

impl Viewer {
    /// Returns the history as JSON, and a viewer.
    pub(super) fn new(feed: Arc<Feed>, hz: u64) -> (String, Self) {
        let (history, ticks) = feed.watch(hz);
        (history, Self { feed, hz, ticks, due: Instant::now() })
    }

    /// Returns the next tick; `None` when the pipeline has left the board.
    pub(crate) async fn next(&mut self) -> Option<Arc<str>> {
        sleep_until(self.due).await;
        // A little earlier than the sampler, so that this viewer does not miss every other tick.
        self.due = Instant::now() + Duration::from_millis(900) / u32::try_from(self.hz).unwrap_or(1);
        loop {
            if self.feed.has_left() {
                return None;
            }
            // This viewer keeps the sender of the ticks.
            self.ticks.changed().await.ok()?;
            let tick = Arc::clone(&self.ticks.borrow_and_update());
            if !tick.is_empty() {
                return Some(tick);
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.feed.unwatch(self.hz);
    }
}
