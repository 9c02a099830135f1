//! The collectors of one stage, over all its restarts.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::acknowledger::{AckOptions, Acknowledger};
use super::books::Books;
use super::collector::Collector;
use super::deliveries::Deliveries;
use super::settlement::{Settlement, Tally};
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};

/// Knows since when deliveries are open.
pub(super) trait Open: Send + Sync {
    /// When the oldest was made of which the source knows nothing yet.
    fn oldest(&self) -> Option<Instant>;
}

/// Starts collectors, and waits for them when the stages have ended. A source that is restarted has a new one;
/// the old one goes on until its last delivery was judged.
#[derive(Debug, Default)]
pub(crate) struct Collectors {
    tasks: TaskTracker,
    stopping: Arc<AtomicBool>,
    tally: Arc<Tally>,
    books: Mutex<Vec<Weak<dyn Open>>>,
}

impl Collectors {
    /// Starts a collector, in the runtime that the caller runs in.
    pub(crate) fn start<A: Acknowledger>(
        &self,
        acknowledger: A,
        options: AckOptions,
    ) -> Deliveries<A::Receipt> {
        let books = Books::new(Arc::clone(&self.stopping), Arc::clone(&self.tally));
        let open: Arc<dyn Open> = Arc::clone(&books) as _;
        let mut known = lock(&self.books);
        known.retain(|books| books.strong_count() > 0);
        known.push(Arc::downgrade(&open));
        drop(known);
        let deliveries = Deliveries::new(&books);
        let collector = Collector::new(books, acknowledger, options);
        self.tasks.spawn(collector.run().in_current_span());
        deliveries
    }

    /// From now on a delivery that is dropped was stopped, not lost.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Waits until everything was judged and told, or until `deadline`; then collectors go on by themselves.
    pub(crate) async fn ended(&self, deadline: Instant) {
        self.tasks.close();
        // What is left says the settlement.
        let _ = timeout_at(deadline, self.tasks.wait()).await;
    }

    /// For how long the oldest delivery is open of which the source knows nothing yet.
    pub(crate) fn oldest_open(&self) -> Option<Duration> {
        let books: Vec<_> = lock(&self.books).iter().filter_map(Weak::upgrade).collect();
        books.iter().filter_map(|books| books.oldest()).min().map(|oldest| oldest.elapsed())
    }

    pub(crate) fn settlement(&self) -> Settlement {
        self.tally.read()
    }
}
