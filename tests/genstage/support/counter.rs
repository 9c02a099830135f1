//! A producer of consecutive numbers, exactly as many as demanded, that also obeys calls and casts.

use stage_core::spawn::{self, DiscardLog, StageOptions};
use stage_core::stage::{Call, Cast, Reply};
use stage_core::subscribe::{Cancellation, Role, Subscription};
use stage_core::{Demand, Emitter, ExitReason, Nothing, Producer, StageRef, StageResult};
use tokio::sync::oneshot;

use super::book::{Log, Seen};
use super::{Book, soon};

/// The last number of a counter: far beyond the numbers in a case, so that a case with an unmet wait comes to
/// rest.
const LIMIT: u64 = 20_000;

pub(crate) type CounterRef = StageRef<Counter, Nothing, u64>;

/// Counts upwards from 0, as demanded.
#[derive(Debug)]
pub(crate) struct Counter {
    next: u64,
    limit: u64,
    discards: DiscardLog,
    log: Log,
}

/// A cast or an info: emit these events. A call: the same, with the reply afterwards.
#[derive(Debug)]
pub(crate) struct Emit(pub(crate) Vec<u64>);

/// A call: reply at once, then emit the events that come by this channel.
#[derive(Debug)]
pub(crate) struct ReplyThenWait(pub(crate) oneshot::Receiver<Vec<u64>>);

/// A call or a cast: stop for this reason. A call is answered first.
#[derive(Debug)]
pub(crate) struct StopWith(pub(crate) ExitReason);

/// A cast: panic.
#[derive(Debug)]
pub(crate) struct Crash;

impl Counter {
    fn new(log: Log) -> Self {
        Self { next: 0, limit: LIMIT, discards: DiscardLog::Warn, log }
    }

    /// Creates a counter that meets no demand.
    fn silent(discards: DiscardLog, log: Log) -> Self {
        Self { next: 0, limit: 0, discards, log }
    }
}

pub(crate) async fn counter(book: &Book, name: &'static str) -> CounterRef {
    counter_with(book, name, |options| options).await
}

/// A counter with other options.
pub(crate) async fn counter_with(
    book: &Book,
    name: &'static str,
    options: impl FnOnce(StageOptions<u64>) -> StageOptions<u64>,
) -> CounterRef {
    start(Counter::new(book.log(name)), options).await
}

/// Starts a producer that emits only on request.
pub(crate) async fn told(
    book: &Book,
    name: &'static str,
    options: impl FnOnce(StageOptions<u64>) -> StageOptions<u64>,
) -> CounterRef {
    told_discarding(book, name, DiscardLog::Warn, options).await
}

/// Starts the same producer; discards are logged as `discards` defines.
pub(crate) async fn told_discarding(
    book: &Book,
    name: &'static str,
    discards: DiscardLog,
    options: impl FnOnce(StageOptions<u64>) -> StageOptions<u64>,
) -> CounterRef {
    start(Counter::silent(discards, book.log(name)), options).await
}

async fn start(counter: Counter, options: impl FnOnce(StageOptions<u64>) -> StageOptions<u64>) -> CounterRef {
    let options = options(StageOptions::named(counter.log.name()));
    soon(spawn::producer(counter, options)).await.expect("a counter starts")
}

impl Producer for Counter {
    type Event = u64;

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
        self.log.note(Seen::Demand(demand.get()));
        let next = (self.next + demand.get() as u64).min(self.limit);
        out.extend(self.next..next);
        self.next = next;
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.log.by(subscription, Seen::Subscribed(Role::Consumer));
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.log.cancelled(Role::Consumer, subscription, cancellation);
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.log.note(Seen::Discarded(events));
        self.discards
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.log.note(Seen::Ended(reason.to_string()));
    }
}

impl Cast<Emit> for Counter {
    type Out = u64;

    async fn handle_cast(&mut self, Emit(events): Emit, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

impl Cast<&'static str> for Counter {
    type Out = u64;

    async fn handle_cast(&mut self, note: &'static str, _out: &mut Emitter<'_, u64>) -> StageResult {
        self.log.note(Seen::Note(note));
        Ok(())
    }
}

impl Cast<StopWith> for Counter {
    type Out = u64;

    async fn handle_cast(&mut self, StopWith(reason): StopWith, _out: &mut Emitter<'_, u64>) -> StageResult {
        Err(reason.into())
    }
}

impl Cast<Crash> for Counter {
    type Out = u64;

    async fn handle_cast(&mut self, _crash: Crash, _out: &mut Emitter<'_, u64>) -> StageResult {
        panic!("on purpose");
    }
}

impl Call<Emit> for Counter {
    type Out = u64;
    type Reply = ();

    async fn handle_call(
        &mut self,
        Emit(events): Emit,
        reply: Reply<()>,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        out.extend(events);
        reply.send(()).map_err(|()| "the caller is gone")?;
        Ok(())
    }
}

impl Call<ReplyThenWait> for Counter {
    type Out = u64;
    type Reply = ();

    async fn handle_call(
        &mut self,
        ReplyThenWait(events): ReplyThenWait,
        reply: Reply<()>,
        out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        reply.send_now(()).map_err(|()| "the caller is gone")?;
        out.extend(events.await?);
        Ok(())
    }
}

impl Call<StopWith> for Counter {
    type Out = u64;
    type Reply = ();

    async fn handle_call(
        &mut self,
        StopWith(reason): StopWith,
        reply: Reply<()>,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        reply.send(()).map_err(|()| "the caller is gone")?;
        Err(reason.into())
    }
}
