//! The collectors of one stage, over all its restarts.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::acknowledger::{AckOptions, Acknowledger};
use super::books::Books;
use super::collector::Collector;
use super::deliveries::Deliveries;
use super::settlement::{Settlement, Tally};
use crate::base::future::FutureExt;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};
use crate::trace::StageTrace;
use crate::wire::operator::OperatorRequests;
#[cfg(test)]
use crate::wire::signal::Signal;

/// A source's open deliveries, for the age of the oldest.
pub(super) trait Open: Send + Sync {
    /// Returns when the oldest delivery without a reported verdict was made.
    fn oldest(&self) -> Option<Instant>;
}

/// Starts collectors, and waits for them when the stages have ended. A restarted source gets a new collector;
/// the old one runs until its last delivery is judged.
#[derive(Debug, Default)]
pub(crate) struct Collectors {
    /// Each collector has a receiver until it ends.
    running: watch::Sender<()>,
    stopping: Arc<AtomicBool>,
    tally: Arc<Tally>,
    books: Mutex<Vec<Weak<dyn Open>>>,
}

impl Collectors {
    /// Starts a collector for `step` on the caller's runtime; `trace` samples the deliveries.
    pub(crate) fn start<A: Acknowledger>(
        &self,
        acknowledger: A,
        options: AckOptions,
        step: &Arc<str>,
        trace: StageTrace,
        requests: &Arc<OperatorRequests>,
    ) -> Deliveries<A::Receipt> {
        let books = Books::new(Arc::clone(&self.stopping), Arc::clone(&self.tally));
        let open: Arc<dyn Open> = Arc::clone(&books) as _;
        let mut known = lock(&self.books);
        known.retain(|books| books.strong_count() > 0);
        known.push(Arc::downgrade(&open));
        drop(known);
        let deliveries = Deliveries::new(&books, trace);
        let collector = Collector::new(books, acknowledger, options, Arc::clone(step), Arc::clone(requests));
        let runs = self.running.subscribe();
        let run = async move {
            collector.run().await;
            drop(runs);
        };
        tokio::spawn(run.boxed());
        deliveries
    }

    /// Starts a collector outside of a stage.
    #[cfg(test)]
    pub(crate) fn start_alone<A: Acknowledger>(&self, acknowledger: A) -> Deliveries<A::Receipt> {
        let requests = OperatorRequests::new(&Signal::new());
        self.start(acknowledger, AckOptions::new(), &"source".into(), StageTrace::default(), &requests)
    }

    /// Marks the stop: deliveries dropped from now on are rejected as stopped.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Waits until all verdicts are reported, or until `deadline`; collectors then keep running by
    /// themselves.
    pub(crate) async fn ended(&self, deadline: Instant) {
        // The settlement reports the open deliveries.
        let _ = timeout_at(deadline, self.running.closed()).await;
    }

    /// Returns the age of the oldest delivery without a reported verdict.
    pub(crate) fn oldest_open(&self) -> Option<Duration> {
        let books: Vec<_> = lock(&self.books).iter().filter_map(Weak::upgrade).collect();
        books.iter().filter_map(|books| books.oldest()).min().map(|oldest| oldest.elapsed())
    }

    /// Returns whether the source tracks acknowledgements.
    pub(crate) fn is_used(&self) -> bool {
        !lock(&self.books).is_empty()
    }

    pub(crate) fn settlement(&self) -> Settlement {
        self.tally.read()
    }
}
