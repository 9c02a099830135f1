//! A consumer that records its observations.

use stage_core::spawn::{self, SpawnError, StageOptions};
use stage_core::stage::Cast;
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{
    BoxError, Consumer, Context, Emitter, Events, ExitReason, Init, Nothing, ProducerRef, StageRef,
    StageResult, SubscribeOptions,
};

use super::book::{Log, Seen};
use super::counter::StopWith;
use super::{Book, soon};

pub(crate) type ProbeRef = StageRef<Probe, u64, Nothing>;

/// Records the handled events and the changes of its subscriptions.
#[derive(Debug)]
pub(crate) struct Probe {
    asking: Asking,
    /// The result of its `init`.
    starts: Result<Init, ExitReason>,
    /// The subscription that its `init` makes.
    upstream: Option<(ProducerRef<u64>, SubscribeOptions<u64>)>,
    log: Log,
}

/// Starts a probe with automatic demand.
pub(crate) async fn probe(book: &Book, name: &'static str) -> ProbeRef {
    start(book, name, Asking::Automatic).await
}

/// Starts a peer with manual demand.
pub(crate) async fn bare(book: &Book, name: &'static str) -> ProbeRef {
    start(book, name, Asking::Manual).await
}

/// The same, subscribed in its `init`.
pub(crate) async fn bare_at(
    book: &Book,
    name: &'static str,
    producer: &ProducerRef<u64>,
    options: SubscribeOptions<u64>,
) -> ProbeRef {
    let upstream = Some((producer.clone(), options));
    let probe = Probe { upstream, ..Probe::new(Asking::Manual, book.log(name)) };
    spawn_probe(probe).await.expect("a probe starts")
}

/// A probe that subscribes in its `init`.
pub(crate) async fn probe_at(
    book: &Book,
    name: &'static str,
    producer: &ProducerRef<u64>,
    options: SubscribeOptions<u64>,
) -> Result<ProbeRef, SpawnError> {
    let upstream = Some((producer.clone(), options));
    spawn_probe(Probe { upstream, ..Probe::new(Asking::Automatic, book.log(name)) }).await
}

/// Starts a probe whose `init` has this result.
pub(crate) async fn probe_that_starts(
    book: &Book,
    name: &'static str,
    starts: Result<Init, ExitReason>,
) -> Result<ProbeRef, SpawnError> {
    spawn_probe(Probe { starts, ..Probe::new(Asking::Automatic, book.log(name)) }).await
}

async fn start(book: &Book, name: &'static str, asking: Asking) -> ProbeRef {
    spawn_probe(Probe::new(asking, book.log(name))).await.expect("a probe starts")
}

async fn spawn_probe(probe: Probe) -> Result<ProbeRef, SpawnError> {
    let options = StageOptions::named(probe.log.name());
    soon(spawn::consumer(probe, options)).await
}

impl Probe {
    fn new(asking: Asking, log: Log) -> Self {
        Self { asking, starts: Ok(Init::Ready), upstream: None, log }
    }
}

impl Consumer for Probe {
    type Event = u64;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some((producer, options)) = self.upstream.take() {
            cx.subscribe(&producer, options)?;
        }
        Ok(self.starts.clone()?)
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.log.by(subscription, Seen::Subscribed(Role::Producer));
        Ok(self.asking)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, _cx: &mut Context<'_>) -> StageResult {
        let from = events.from().clone();
        self.log.by(&from, Seen::Batch(events.into_iter().collect()));
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _cx: &mut Context<'_>,
    ) -> StageResult {
        self.log.cancelled(Role::Producer, subscription, cancellation);
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.log.note(Seen::Ended(reason.to_string()));
    }
}

impl Cast<&'static str> for Probe {
    type Out = Nothing;

    async fn handle_cast(&mut self, note: &'static str, _out: &mut Emitter<'_, Nothing>) -> StageResult {
        self.log.note(Seen::Note(note));
        Ok(())
    }
}

impl Cast<StopWith> for Probe {
    type Out = Nothing;

    async fn handle_cast(
        &mut self,
        StopWith(reason): StopWith,
        _out: &mut Emitter<'_, Nothing>,
    ) -> StageResult {
        Err(reason.into())
    }
}
