//! A producer-consumer that emits every event several times.

use stage_core::spawn::{self, DiscardLog, StageOptions};
use stage_core::stage::Cast;
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{BoxError, Emitter, Events, ExitReason, ProducerConsumer, StageRef, StageResult};

use super::book::{Log, Seen};
use super::counter::Emit;
use super::{Book, soon};

pub(crate) type DoublerRef = StageRef<Doubler, u64, u64>;

/// Emits every event `times` times, and records its observations.
#[derive(Debug)]
pub(crate) struct Doubler {
    times: usize,
    log: Log,
}

pub(crate) async fn doubler(book: &Book, name: &'static str) -> DoublerRef {
    repeater(book, name, 2, |options| options).await
}

/// A step that emits every event `times` times.
pub(crate) async fn repeater(
    book: &Book,
    name: &'static str,
    times: usize,
    options: impl FnOnce(StageOptions<u64>) -> StageOptions<u64>,
) -> DoublerRef {
    let doubler = Doubler { times, log: book.log(name) };
    let options = options(StageOptions::named(name));
    soon(spawn::producer_consumer(doubler, options)).await.expect("a step starts")
}

impl ProducerConsumer for Doubler {
    type In = u64;
    type Out = u64;

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _out: &mut Emitter<'_, u64>,
    ) -> Result<Asking, BoxError> {
        self.log.by(subscription, Seen::Subscribed(peer));
        Ok(Asking::Automatic)
    }

    async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
        let from = events.from().clone();
        let events: Vec<_> = events.into_iter().collect();
        out.extend(events.iter().flat_map(|event| std::iter::repeat_n(*event, self.times)));
        self.log.by(&from, Seen::Batch(events));
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, u64>,
    ) -> StageResult {
        self.log.cancelled(peer, subscription, cancellation);
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.log.note(Seen::Discarded(events));
        DiscardLog::Silent
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.log.note(Seen::Ended(reason.to_string()));
    }
}

impl Cast<Emit> for Doubler {
    type Out = u64;

    async fn handle_cast(&mut self, Emit(events): Emit, out: &mut Emitter<'_, u64>) -> StageResult {
        out.extend(events);
        Ok(())
    }
}

impl Cast<&'static str> for Doubler {
    type Out = u64;

    async fn handle_cast(&mut self, note: &'static str, _out: &mut Emitter<'_, u64>) -> StageResult {
        self.log.note(Seen::Note(note));
        Ok(())
    }
}
