//! The collectors of one stage, over all its restarts.

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::acknowledger::{AckOptions, Acknowledger};
use super::books::Books;
use super::collector::Collector;
use super::deliveries::Deliveries;
use super::settlement::{Settlement, Tally};
use crate::sync::{Arc, AtomicBool, Ordering};

/// Starts collectors, and waits for them when the stages have ended. A source that is restarted has a new one;
/// the old one goes on until its last delivery was judged.
#[derive(Debug, Default)]
pub(crate) struct Collectors {
    tasks: TaskTracker,
    stopping: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

impl Collectors {
    /// Starts a collector, in the runtime that the caller runs in.
    pub(crate) fn start<A: Acknowledger>(
        &self,
        acknowledger: A,
        options: AckOptions,
    ) -> Deliveries<A::Receipt> {
        let books = Books::new(Arc::clone(&self.stopping), Arc::clone(&self.tally));
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

    pub(crate) fn settlement(&self) -> Settlement {
        self.tally.read()
    }
}
