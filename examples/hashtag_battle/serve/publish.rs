//! Publishes the state of the battle, at most twice a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::sse::Event;
use stage_http::Live;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::now;
use super::tally::{Counts, Tally};
use super::view;
use crate::entry::Entry;

/// The shortest time between two computations of the state.
const EVERY: Duration = Duration::from_millis(500);

/// The longest one: windows and minutes pass without entries, too.
const IDLE: Duration = Duration::from_secs(1);

/// The tally, shared by the pipeline and the publisher.
#[derive(Debug)]
pub(super) struct Shared {
    tally: Mutex<Tally>,
    counted: Notify,
}

impl Shared {
    pub(super) fn new(tally: Tally) -> Self {
        Self { tally: Mutex::new(tally), counted: Notify::new() }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an entry.
    pub(super) fn count(&self, entry: &Entry) {
        self.tally().add(entry, now());
        self.counted.notify_one();
    }

    /// Returns the state as JSON.
    pub(super) fn json(&self, now: i64) -> serde_json::Result<String> {
        let mut tally = self.tally();
        let counts = tally.counts(now);
        view::json(&tally, counts)
    }

    /// Returns the state if it differs from the last one.
    fn change(&self, now: i64, last: &mut Option<Counts>) -> Option<String> {
        let mut tally = self.tally();
        let counts = tally.counts(now);
        if last.as_ref() == Some(&counts) {
            return None;
        }
        *last = Some(counts.clone());
        // Numbers and strings can be written as JSON.
        view::json(&tally, counts).ok()
    }
}

/// Publishes each change of the state, without end. `clock` returns the milliseconds since 1970.
pub(super) async fn publish(shared: Arc<Shared>, live: Live, clock: impl Fn() -> i64) {
    let mut last = None;
    loop {
        let next = Instant::now() + EVERY;
        if let Some(state) = shared.change(clock(), &mut last) {
            live.publish(Event::default().event("battle").data(state)).await;
        }
        sleep_until(next).await;
        // The time is up, or an entry has come: the state is computed in either case.
        let _ = timeout(IDLE.saturating_sub(EVERY), shared.counted.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stage_http::LiveOptions;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_state_is_computed_and_sent_at_most_every_500_ms_however_many_entries_come() {
        let shared = Arc::new(Shared::new(Tally::new(&["#a".to_owned(), "#b".to_owned()], 60, 10)));
        let live = Live::new(LiveOptions::new()).unwrap();
        let computed = Arc::new(AtomicUsize::new(0));
        let (count, begun) = (Arc::clone(&computed), Instant::now());
        let clock = move || {
            count.fetch_add(1, Ordering::Relaxed);
            now() + i64::try_from(begun.elapsed().as_millis()).unwrap()
        };
        let publisher = tokio::spawn(publish(Arc::clone(&shared), live.clone(), clock));
        for _ in 0..10_000 {
            shared.count(&Entry { at: now(), text: "#a".to_owned() });
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (sent, looked) = (live.counts().published, computed.load(Ordering::Relaxed));
        assert!((15..=21).contains(&sent), "{sent} in ten seconds");
        assert!(looked <= 21, "{looked} computations in ten seconds");
        assert!(shared.json(now()).unwrap().contains(r#""entries":10000"#));
        publisher.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_without_a_change() {
        let shared = Arc::new(Shared::new(Tally::new(&["#a".to_owned(), "#b".to_owned()], 60, 10)));
        let live = Live::new(LiveOptions::new()).unwrap();
        let start = 30_000_000 * super::super::tally::MINUTE;
        let publisher = tokio::spawn(publish(shared, live.clone(), move || start));
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(live.counts().published, 1);
        publisher.abort();
    }
}
