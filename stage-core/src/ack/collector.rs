//! The task that reports the verdicts on deliveries to one source.

use std::any::Any;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::acknowledger::{AckOptions, Acknowledger, RejectedDelivery};
use super::books::{Books, Verdicts};
use super::waiting::Waiting;
use crate::base::error::{BoxError, ExitReason, Fatal};
use crate::base::future::catch_panic;
use crate::sync::Arc;
use crate::wire::operator::OperatorRequests;

/// The longest wait for further verdicts while the source waits for one.
const SHORT: Duration = Duration::from_millis(5);

/// Collects the verdicts for one source.
pub(super) struct Collector<A: Acknowledger> {
    books: Arc<Books<A::Receipt>>,
    /// `None` after it panicked; then no more verdicts can be reported.
    acknowledger: Option<A>,
    options: AckOptions,
    beat: Option<Instant>,
    /// Buffer for the receipts of open deliveries.
    open: Vec<A::Receipt>,
    /// The seed of the retries' jitter.
    calls: u64,
    /// The number of events set aside so far.
    dead: u64,
    /// The step of the source, for messages.
    step: Arc<str>,
    /// The operator's requests to the stage: whether it is measured.
    requests: Arc<OperatorRequests>,
}

impl<A: Acknowledger> Collector<A> {
    pub(super) fn new(
        books: Arc<Books<A::Receipt>>,
        acknowledger: A,
        options: AckOptions,
        step: Arc<str>,
        requests: Arc<OperatorRequests>,
    ) -> Self {
        let (acknowledger, open) = (Some(acknowledger), Vec::new());
        Self { books, acknowledger, options, beat: None, open, calls: 0, dead: 0, step, requests }
    }

    /// Runs until the source is dropped, and all verdicts have been reported.
    pub(super) async fn run(mut self) {
        let books = Arc::clone(&self.books);
        let mut verdicts = Verdicts::new();
        self.beat = self.next_beat();
        while !books.inbox.has_ended() {
            self.until_judged().await;
            self.linger().await;
            books.collect(&mut verdicts, self.requests.records().map(|records| &**records));
            self.tell(&mut verdicts).await;
        }
        books.collect(&mut verdicts, self.requests.records().map(|records| &**records));
        self.tell(&mut verdicts).await;
        self.finish().await;
    }

    /// Waits for the first verdict, or the end.
    async fn until_judged(&mut self) {
        let books = Arc::clone(&self.books);
        loop {
            tokio::select! {
                () = books.inbox.judged() => return,
                () = books.inbox.ended() => return,
                () = at(self.beat) => self.keep(&[], &[]).await,
            }
        }
    }

    /// Waits for more verdicts until it is time to report them; the wait is shorter while the source waits.
    async fn linger(&mut self) {
        // A timer has a resolution of 1 ms, so one that has run out is no way not to wait.
        if self.options.linger.is_zero() {
            return;
        }
        let books = Arc::clone(&self.books);
        let begun = Instant::now();
        loop {
            let linger = match books.inbox.waiting() {
                Waiting::No => self.options.linger,
                Waiting::ForVerdicts => self.options.linger.min(SHORT),
            };
            tokio::select! {
                () = books.inbox.ended() => return,
                () = books.inbox.full() => return,
                () = at(begun.checked_add(linger)) => return,
                () = books.inbox.source_waits() => {}
                () = at(self.beat) => self.keep(&[], &[]).await,
            }
        }
    }

    /// Returns the time of the next heartbeat, or `None` without heartbeats.
    fn next_beat(&self) -> Option<Instant> {
        self.options.heartbeat.and_then(|every| Instant::now().checked_add(every))
    }

    /// Reports the verdicts to the source, with retries as the options allow.
    async fn tell(&mut self, verdicts: &mut Verdicts<A::Receipt>) {
        let mut attempt = 0;
        while verdicts.len() > 0 {
            let (acknowledged, rejected) = (verdicts.acknowledged.len(), verdicts.rejected.len());
            let told = self.settle(verdicts).await;
            let Err(error) = told else {
                self.books.tally.told(acknowledged, rejected);
                self.count_dead();
                break;
            };
            self.books.tally.error(error.to_string());
            self.calls += 1;
            let again = if error.is::<Fatal>() { None } else { self.wait_before(attempt) };
            let Some(delay) = again else {
                let step = &*self.step;
                tracing::error!(step, %error, acknowledged, rejected, "cannot report verdicts to their source");
                self.books.tally.untold(acknowledged + rejected);
                break;
            };
            tracing::warn!(step = &*self.step, %error, ?delay, "cannot report verdicts to their source, retrying");
            attempt += 1;
            self.sleep(delay, verdicts).await;
        }
        verdicts.clear();
    }

    fn count_dead(&mut self) {
        let dead = self.acknowledger.as_ref().map_or(self.dead, Acknowledger::dead);
        self.books.tally.dead(dead.saturating_sub(self.dead));
        self.dead = dead;
    }

    fn wait_before(&self, attempt: u32) -> Option<Duration> {
        self.acknowledger.as_ref().and_then(|_| self.options.retry.delay(attempt, self.calls))
    }

    /// Makes one attempt. After a panic, the acknowledger is not used again.
    async fn settle(&mut self, verdicts: &Verdicts<A::Receipt>) -> Result<(), BoxError> {
        let Some(acknowledger) = &mut self.acknowledger else {
            return Err("the acknowledger panicked earlier".into());
        };
        let settle = acknowledger.settle(&verdicts.acknowledged, &verdicts.rejected);
        let told = catch_panic(pin!(settle)).await;
        match told {
            Ok(told) => told,
            Err(payload) => {
                self.acknowledger = None;
                Err(format!("the acknowledger {}", ExitReason::from_panic(&*payload)).into())
            }
        }
    }

    /// Waits for `delay`, with heartbeats, even if there are no more deliveries.
    async fn sleep(&mut self, delay: Duration, untold: &Verdicts<A::Receipt>) {
        let until = Instant::now().checked_add(delay);
        loop {
            tokio::select! {
                () = at(until) => return,
                () = at(self.beat) => self.keep(&untold.acknowledged, &untold.rejected).await,
            }
        }
    }

    /// Reports the open deliveries, with those whose verdicts are not reported yet.
    async fn keep(&mut self, acknowledged: &[A::Receipt], rejected: &[RejectedDelivery<A::Receipt>]) {
        self.beat = self.next_beat();
        let Some(source) = &mut self.acknowledger else { return };
        self.books.list_open(&mut self.open);
        self.open.extend(acknowledged.iter().chain(rejected.iter().map(|it| &it.receipt)).cloned());
        let kept = catch_panic(pin!(source.keep(&self.open))).await;
        self.note("cannot report deliveries in progress to their source", kept);
        self.open.clear();
    }

    async fn finish(&mut self) {
        let Some(acknowledger) = &mut self.acknowledger else { return };
        let finished = catch_panic(pin!(acknowledger.finish())).await;
        self.note("cannot return what a source held", finished);
    }

    /// Logs and counts an error. After a panic, the acknowledger is not used again.
    fn note(&mut self, what: &str, done: Result<Result<(), BoxError>, Box<dyn Any + Send>>) {
        let error = match done {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(payload) => {
                self.acknowledger = None;
                format!("the acknowledger {}", ExitReason::from_panic(&*payload)).into()
            }
        };
        tracing::warn!(step = &*self.step, %error, "{what}");
        self.books.tally.error(error.to_string());
    }
}

/// No more verdicts can be reported: the collector finished, or the runtime was dropped.
impl<A: Acknowledger> Drop for Collector<A> {
    fn drop(&mut self) {
        self.books.inbox.abandon();
    }
}

/// Waits until `time`, or forever if it is `None`.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
