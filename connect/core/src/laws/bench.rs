//! A pipeline whose handler asks the law for the outcome of each event.

use std::collections::BTreeSet;
use std::time::Duration;

use stage_core::ack::{Delivery, Reason};
use stage_core::{Backoff, Consumer, Context, Events, Pipeline, Running, StageResult, StepOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::server::{Counts, LawServer};
use crate::pull::Pull;
use crate::pull_options::PullOptions;
use crate::source;

/// The time after which an event that should arrive counts as lost.
const ARRIVES: Duration = Duration::from_secs(60);

/// The time between two questions to a server.
const BETWEEN: Duration = Duration::from_millis(20);

/// A running pipeline of a source and a handler of one event after the other.
pub(super) struct Bench {
    pub(super) running: Running,
    questions: mpsc::UnboundedReceiver<Question>,
}

/// An event in the hands of the handler, until its outcome is decided.
pub(super) struct Question {
    pub(super) number: u64,
    outcome: oneshot::Sender<Outcome>,
}

enum Outcome {
    Accept,
    Fail,
}

impl Question {
    pub(super) fn accept(self) {
        // A pipeline that was stopped does not listen.
        let _ = self.outcome.send(Outcome::Accept);
    }

    pub(super) fn fail(self) {
        let _ = self.outcome.send(Outcome::Fail);
    }
}

/// Returns options that repeat and reconnect quickly.
pub(super) fn options() -> PullOptions {
    let quick = Backoff::new(Duration::from_millis(10), Duration::from_millis(200));
    PullOptions::new().retry(quick).reconnect(quick).wait(Duration::from_secs(2))
}

impl Bench {
    /// Starts a pipeline whose handler asks for at most `window` events.
    pub(super) async fn start<S: LawServer>(server: &S, options: PullOptions, window: usize) -> Self {
        let clients = server.clients();
        let (ask, questions) = mpsc::unbounded_channel();
        let pipeline = Pipeline::builder("law")
            .start("queue", move || Ok(source::pulled(clients(), options)))
            .finish(StepOptions::named("handler").max_demand(window).min_demand(window / 2), move || {
                Ok(Handler { ask: ask.clone(), number: S::number })
            });
        let running = pipeline.start().await.expect("the pipeline starts");
        Self { running, questions }
    }

    /// Waits for the next event.
    pub(super) async fn next(&mut self) -> Question {
        let next = timeout(ARRIVES, self.questions.recv()).await;
        next.expect("a message is lost: none arrives although one should").expect("the pipeline has ended")
    }

    /// Accepts events until all of `numbers` were accepted; returns the number of those that came more than once.
    pub(super) async fn accept_all(&mut self, numbers: std::ops::Range<u64>) -> usize {
        let mut missing: BTreeSet<u64> = numbers.collect();
        let mut repeated = 0;
        while !missing.is_empty() {
            let question = self.next().await;
            repeated += usize::from(!missing.remove(&question.number));
            question.accept();
        }
        repeated
    }

    /// Accepts whatever comes until the numbers of messages are `so`.
    pub(super) async fn accept_until<S: LawServer>(
        &mut self,
        server: &mut S,
        what: &str,
        so: impl Fn(Counts) -> bool,
    ) -> usize {
        let mut accepted = 0;
        let reached = timeout(ARRIVES, async {
            while !so(server.counts().await) {
                while let Ok(question) = self.questions.try_recv() {
                    question.accept();
                    accepted += 1;
                }
                sleep(BETWEEN).await;
            }
        });
        assert!(reached.await.is_ok(), "{what}, but the server has {:?}", server.counts().await);
        accepted
    }

    pub(super) async fn drain(self) {
        drop(self.questions);
        self.running.drain(Duration::from_secs(10)).await.expect("the pipeline drains");
    }
}

/// Waits until the numbers of messages are `so`.
pub(super) async fn until<S: LawServer>(server: &mut S, what: &str, so: impl Fn(Counts) -> bool) {
    let reached = timeout(ARRIVES, async {
        while !so(server.counts().await) {
            sleep(BETWEEN).await;
        }
    });
    assert!(reached.await.is_ok(), "{what}, but the server has {:?}", server.counts().await);
}

/// Returns whether nothing is left to do.
pub(super) fn is_empty(counts: Counts) -> bool {
    counts.all() == 0
}

struct Handler<M> {
    ask: mpsc::UnboundedSender<Question>,
    number: fn(&M) -> u64,
}

impl<M: Send + 'static> Consumer for Handler<M> {
    type Event = Delivery<M>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<M>>, _: &mut Context<'_>) -> StageResult {
        for event in events {
            let number = self.number;
            let (message, token) = event.into_parts();
            let (outcome, decided) = oneshot::channel();
            // A law that has seen enough does not listen; its events are accepted.
            let _ = self.ask.send(Question { number: number(&message), outcome });
            drop(message);
            match decided.await {
                Ok(Outcome::Accept) | Err(_) => token.acknowledge(),
                Ok(Outcome::Fail) => token.reject(Reason::failed("it fails on purpose")),
            }
        }
        Ok(())
    }
}

/// Pulls by hand until a message arrives.
pub(super) async fn pull_some<P: Pull>(client: &mut P, at_most: usize) -> usize {
    let at_most = std::num::NonZeroUsize::new(at_most).expect("above zero");
    let pulled = timeout(ARRIVES, async {
        loop {
            let pulled = client.pull(at_most, Duration::from_secs(1)).await.expect("the server answers");
            if !pulled.is_empty() {
                return pulled.len();
            }
        }
    });
    pulled.await.expect("a message arrives")
}
