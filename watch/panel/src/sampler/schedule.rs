//! The task that takes the samples of all pipelines.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use stage_core::watch::Board;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::feed::Feed;
use super::viewer::Viewer;
use crate::error::Refusal;

/// The time between two looks at a board without pipelines.
const IDLE: Duration = Duration::from_secs(1);

/// Takes samples of all pipelines of a board: each second from the first request on, more often while viewers
/// want it.
#[derive(Debug)]
pub(crate) struct Sampler {
    board: Board,
    feeds: Mutex<BTreeMap<String, Arc<Feed>>>,
    has_begun: AtomicBool,
    /// Wakes the task when a viewer comes.
    viewer_came: Arc<Notify>,
}

impl Sampler {
    pub(crate) fn new(board: Board) -> Self {
        Self {
            board,
            feeds: Mutex::default(),
            has_begun: AtomicBool::new(false),
            viewer_came: Arc::new(Notify::new()),
        }
    }

    /// Returns the pipelines of the board by name.
    pub(crate) fn feeds(self: &Arc<Self>) -> BTreeMap<String, Arc<Feed>> {
        let feeds = self.agree_with_the_board();
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            self.sample(Instant::now());
            tokio::spawn(run(Arc::downgrade(self), Arc::clone(&self.viewer_came)));
        }
        feeds
    }

    /// Returns the pipeline `name`.
    pub(crate) fn feed(self: &Arc<Self>, name: &str) -> Result<Arc<Feed>, Refusal> {
        let feed = self.feeds().remove(name);
        feed.ok_or_else(|| Refusal::unknown(format!("no pipeline `{name}` is on the board")))
    }

    /// Returns the history of the pipeline `name` as JSON, and a viewer of it.
    pub(crate) fn watch(self: &Arc<Self>, name: &str, hz: u64) -> Result<(String, Viewer), Refusal> {
        let viewer = Viewer::new(self.feed(name)?, hz);
        self.viewer_came.notify_one();
        Ok(viewer)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what is new on the board and removes what has left it.
    fn agree_with_the_board(&self) -> BTreeMap<String, Arc<Feed>> {
        let mut feeds = self.lock();
        let mut next = BTreeMap::new();
        for entry in self.board.entries() {
            let name = entry.name().to_owned();
            let feed = match feeds.remove(&name) {
                Some(feed) => {
                    feed.set_entry(entry);
                    feed
                }
                None => Arc::new(Feed::new(entry)),
            };
            next.insert(name, feed);
        }
        feeds.values().for_each(|feed| feed.leave());
        feeds.clone_from(&next);
        next
    }

    /// Takes the samples that are due; returns when the next one is.
    fn sample(&self, now: Instant) -> Instant {
        let feeds = self.agree_with_the_board();
        feeds.values().map(|feed| feed.sample_when_due(now)).min().unwrap_or(now + IDLE)
    }
}

/// Takes samples until the panel is gone.
async fn run(sampler: Weak<Sampler>, viewer_came: Arc<Notify>) {
    loop {
        let Some(next) = sampler.upgrade().map(|sampler| sampler.sample(Instant::now())) else { return };
        tokio::select! {
            () = sleep_until(next.min(Instant::now() + IDLE)) => {}
            () = viewer_came.notified() => {}
        }
    }
}
