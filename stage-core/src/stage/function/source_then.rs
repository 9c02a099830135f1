//! A source fused with the steps that take its events.
//!
//! ```text
//!             between                          out
//!   source ═══════════▶ rest: steps, a sink ═══════▶ subscribers, if the rest emits
//!          ◀ a round asks again for the events used up
//! ```
//!
//! Invariants:
//! 1. `outstanding` is the demand asked of the source and not yet met; it is not asked for twice.
//! 2. The rest receives all events in the order in which the source emitted them, at most `chunk` events at a
//!    time.
//! 3. Events that the source flushes are handled while it waits; it never waits for the rest to take them.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::then::flushed_first;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::stage::{CallbackState, Context, Emitter, Events, Init, Producer, ProducerConsumer};
use crate::sync::{Mutex, lock};
use crate::wire::signal::Signal;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// A source, and the steps (and the sink) that handle its events in the same stage.
pub(crate) struct SourceThen<P: Producer, S> {
    source: P,
    rest: Rest<P::Event, S>,
    /// Events emitted by the source; empty between callbacks.
    between: Vec<P::Event>,
    /// Events flushed by the source; empty between callbacks.
    flushed: Mutex<Vec<P::Event>>,
    /// Events taken from those flushed before the source waited; empty between callbacks.
    taken: Vec<P::Event>,
    /// The state for the rest, while the waiting source borrows the stage's own.
    beside: Option<CallbackState>,
    outstanding: usize,
    /// Whether the source has finished.
    ended: bool,
}

/// The steps that take the source's events.
struct Rest<E, S> {
    stage: S,
    /// The subscription that stands for the source.
    from: Option<Subscription>,
    /// Events beyond one batch; empty between callbacks.
    surplus: VecDeque<E>,
    chunk: usize,
    /// Events being handled; after a failure, those that were not handled.
    in_hand: usize,
    /// Events handled and not yet counted.
    handled: usize,
}

impl<P, S> SourceThen<P, S>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    /// Creates the stage from `source` and the `rest` that handles its events.
    pub(crate) fn new(source: P, rest: S) -> Self {
        let rest = Rest {
            stage: rest,
            from: None,
            surplus: VecDeque::new(),
            chunk: usize::MAX,
            in_hand: 0,
            handled: 0,
        };
        Self {
            source,
            rest,
            between: Vec::new(),
            flushed: Mutex::new(Vec::new()),
            taken: Vec::new(),
            beside: None,
            outstanding: 0,
            ended: false,
        }
    }

    pub(crate) async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.rest.from = Some(Subscription::within(&cx.state.step));
        self.beside = Some(cx.state.beside());
        match self.source.init(cx).await? {
            Init::Ready => self.rest.stage.init(cx).await,
            Init::Declined => Ok(Init::Declined),
        }
    }

    /// Announces the source to the rest, before its first event; batches have at most `chunk` events.
    pub(crate) async fn begin(&mut self, chunk: usize, out: &mut Emitter<'_, S::Out>) -> StageResult {
        self.rest.chunk = chunk;
        let Some(from) = &self.rest.from else { return Ok(()) };
        match self.rest.stage.handle_subscribe(Role::Producer, from, out).await? {
            Asking::Automatic => Ok(()),
            Asking::Manual => Err(asks_by_itself::<S>()),
        }
    }

    /// Sets the most events of a batch.
    pub(crate) fn set_chunk(&mut self, chunk: usize) {
        self.rest.chunk = chunk;
    }

    /// Returns the demand to ask of the source so that `wanted` events are outstanding.
    #[inline]
    pub(crate) fn missing(&self, wanted: usize) -> Option<Demand> {
        Demand::new(wanted.saturating_sub(self.outstanding))
    }

    /// Asks the source for `demand` more events, and lets the rest handle the events it emits.
    #[inline]
    pub(crate) async fn round(&mut self, demand: Demand, out: &mut Emitter<'_, S::Out>) -> StageResult {
        self.outstanding += demand.get();
        let Self { source, rest, between, flushed, taken, beside, .. } = self;
        {
            let emitter = &mut Emitter { buffer: between, flushed, state: &mut *out.state };
            let mut making = pin!(source.handle_demand(demand, emitter));
            match poll_fn(|cx| Poll::Ready(making.as_mut().poll(cx))).await {
                Poll::Ready(made) => made?,
                Poll::Pending => {
                    if let Some(beside) = beside {
                        let (buffer, flushes) = (&mut *out.buffer, out.flushed);
                        let below = &mut Emitter { buffer, flushed: flushes, state: beside };
                        rest.meanwhile(making, flushed, taken, below).await?;
                    }
                }
            }
        }
        self.ended |= std::mem::take(&mut out.state.finished);
        if let Some(beside) = &mut self.beside {
            beside.leave_to(out.state);
        }
        flushed_first(&mut self.flushed, &mut self.between);
        self.rest.handle(&mut self.between, out).await?;
        self.outstanding = self.outstanding.saturating_sub(self.rest.handled);
        Ok(())
    }

    /// Runs up to `rounds` rounds, each of which asks the source for events up to `wanted` outstanding. Stops
    /// early if there is something else for the stage to do, or nothing to ask for.
    pub(crate) async fn rounds(
        &mut self,
        rounds: usize,
        wanted: usize,
        signal: &Signal,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        for _ in 0..rounds {
            let Some(demand) = self.missing(wanted) else { break };
            out.state.begin_batch(demand.get());
            self.round(demand, out).await?;
            out.state.counters.handled(self.take_handled());
            if self.ended || out.state.finished || !out.state.effects.open.is_empty() || signal.is_marked() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the number of events that the rest has handled since the last call.
    #[inline]
    pub(crate) fn take_handled(&mut self) -> usize {
        std::mem::take(&mut self.rest.handled)
    }

    /// Returns the number of events that a failed callback was handling.
    #[inline]
    pub(crate) fn in_hand(&self) -> usize {
        self.rest.in_hand
    }

    /// Returns whether the source has finished.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Tells the rest that the source has ended.
    pub(crate) async fn end(&mut self, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let Some(from) = &self.rest.from else { return Ok(()) };
        let ended = Cancellation::down(ExitReason::Normal);
        self.rest.stage.handle_cancel(Role::Producer, from, &ended, out).await
    }

    /// Returns the part of the stage that serves its subscribers.
    pub(crate) fn last(&mut self) -> &mut S {
        &mut self.rest.stage
    }

    pub(crate) fn discarded(&mut self, events: usize) -> DiscardLog {
        self.rest.stage.handle_discarded(events)
    }

    pub(crate) async fn terminate(&mut self, reason: &ExitReason) {
        self.source.terminate(reason).await;
        self.rest.stage.terminate(reason).await;
    }
}

impl<E, S> Rest<E, S>
where
    E: Send + 'static,
    S: ProducerConsumer<In = E>,
{
    /// Handles `events`, unless the rest takes no more; leaves `events` empty.
    #[inline]
    async fn handle(&mut self, events: &mut Vec<E>, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let emitted = events.len();
        if emitted == 0 {
            return Ok(());
        }
        self.in_hand += emitted;
        if emitted > self.chunk || out.state.finished {
            return self.handle_in_parts(events, out).await;
        }
        let Some(from) = &self.from else { return Ok(()) };
        self.stage.handle_events(Events { buffer: events, from }, out).await?;
        // Events that were not drained count as handled.
        events.clear();
        self.in_hand -= emitted;
        self.handled += emitted;
        Ok(())
    }

    /// Handles more than a batch, batch by batch, until the rest takes no more.
    #[cold]
    async fn handle_in_parts(&mut self, events: &mut Vec<E>, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let Some(from) = &self.from else { return Ok(()) };
        self.surplus.extend(events.drain(..));
        while !self.surplus.is_empty() && !out.state.finished {
            let part = self.surplus.len().min(self.chunk);
            events.extend(self.surplus.drain(..part));
            self.stage.handle_events(Events { buffer: events, from }, out).await?;
            events.clear();
            self.in_hand -= part;
            self.handled += part;
        }
        self.surplus.clear();
        Ok(())
    }

    /// Handles the events that the source flushes, until it has handled its demand.
    #[cold]
    async fn meanwhile(
        &mut self,
        mut making: Pin<&mut (impl Future<Output = StageResult> + Send)>,
        flushed: &Mutex<Vec<E>>,
        taken: &mut Vec<E>,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        loop {
            std::mem::swap(&mut *lock(flushed), taken);
            if !taken.is_empty() {
                self.handle(taken, out).await?;
                // The engine hands them out while the source waits.
                out.flush();
                if out.state.finished {
                    out.state.drain.cancel();
                }
                if !out.state.effects.open.is_empty() {
                    return Ok(());
                }
                // Yield so that the engine can read new mail, even if the source is ready again at once.
                out.state.give_way().await;
            }
            let made = poll_fn(|cx| match making.as_mut().poll(cx) {
                Poll::Ready(made) => Poll::Ready(Some(made)),
                Poll::Pending if lock(flushed).is_empty() => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            });
            if let Some(made) = made.await {
                return made;
            }
        }
    }
}

/// Returns the error for a stage that asks manually and therefore cannot be fused behind another.
pub(super) fn asks_by_itself<S>() -> BoxError {
    format!(
        "`{}` asks for events by itself, which a stage fused to the one before it cannot do: make it a step of its own",
        std::any::type_name::<S>()
    )
    .into()
}

impl<P: Producer, S> fmt::Debug for SourceThen<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceThen").finish_non_exhaustive()
    }
}
