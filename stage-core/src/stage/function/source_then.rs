//! A source and what takes its events within the same stage.
//!
//! ```text
//!             between                          out
//!   source ═══════════▶ rest: steps, a sink ═══════▶ subscribers, if the rest emits
//!          ◀ a round asks for what was used up
//! ```
//!
//! Invariants:
//! 1. What is asked of the source and was not emitted yet is `outstanding`; it is not asked for twice.
//! 2. The rest gets everything in the order in which the source emitted it, at most `chunk` events at a time.
//! 3. What the source flushes is handled while it waits; it never waits for the rest to take something.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::task::yield_now;

use super::then::flushed_first;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::stage::{Context, Core, Emitter, Events, Init, Producer, ProducerConsumer};
use crate::sync::{Mutex, lock};
use crate::wire::signal::Signal;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// A source, and the steps (and the sink) that handle what it emits at once.
pub(crate) struct SourceThen<P: Producer, S> {
    source: P,
    rest: Rest<P::Event, S>,
    /// What the source emitted; empty between callbacks.
    between: Vec<P::Event>,
    /// What it flushed; empty between callbacks.
    flushed: Mutex<Vec<P::Event>>,
    /// What it flushed before it waited; empty between callbacks.
    taken: Vec<P::Event>,
    /// What the rest is lent while the source, which waits, has the core.
    beside: Option<Core>,
    outstanding: usize,
    /// Whether the source has finished.
    ended: bool,
}

/// What takes the source's events.
struct Rest<E, S> {
    stage: S,
    /// As which it knows the source.
    from: Option<Subscription>,
    /// What is more than a batch; empty between callbacks.
    surplus: VecDeque<E>,
    chunk: usize,
    /// Events that it is handling; after a failure, that it did not handle.
    in_hand: usize,
    /// Events that it has handled, and that were not counted yet.
    handled: usize,
}

impl<P, S> SourceThen<P, S>
where
    P: Producer,
    S: ProducerConsumer<In = P::Event>,
{
    /// `source`, and `rest` on what it emits.
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
        self.rest.from = Some(Subscription::within(&cx.core.step));
        self.beside = Some(cx.core.beside());
        match self.source.init(cx).await? {
            Init::Ready => self.rest.stage.init(cx).await,
            Init::Declined => Ok(Init::Declined),
        }
    }

    /// Tells the rest of the source, before its first event; batches have at most `chunk` events.
    pub(crate) async fn begin(&mut self, chunk: usize, out: &mut Emitter<'_, S::Out>) -> StageResult {
        self.rest.chunk = chunk;
        let Some(from) = &self.rest.from else { return Ok(()) };
        match self.rest.stage.handle_subscribe(Role::Producer, from, out).await? {
            Asking::Automatic => Ok(()),
            Asking::Manual => Err(asks_by_itself::<S>()),
        }
    }

    /// What the source is to be asked for so that `wanted` events are asked of it.
    #[inline]
    pub(crate) fn missing(&self, wanted: usize) -> Option<Demand> {
        Demand::new(wanted.saturating_sub(self.outstanding))
    }

    /// Asks the source for `demand` more events, and has the rest handle what it emits.
    #[inline]
    pub(crate) async fn round(&mut self, demand: Demand, out: &mut Emitter<'_, S::Out>) -> StageResult {
        self.outstanding += demand.get();
        let Self { source, rest, between, flushed, taken, beside, .. } = self;
        {
            let emitter = &mut Emitter { buffer: between, flushed, core: &mut *out.core };
            let mut making = pin!(source.handle_demand(demand, emitter));
            match poll_fn(|cx| Poll::Ready(making.as_mut().poll(cx))).await {
                Poll::Ready(made) => made?,
                Poll::Pending => {
                    if let Some(beside) = beside {
                        let (buffer, flushes) = (&mut *out.buffer, out.flushed);
                        let below = &mut Emitter { buffer, flushed: flushes, core: beside };
                        rest.meanwhile(making, flushed, taken, below).await?;
                    }
                }
            }
        }
        self.ended |= std::mem::take(&mut out.core.finished);
        if let Some(beside) = &mut self.beside {
            beside.leave_to(out.core);
        }
        flushed_first(&mut self.flushed, &mut self.between);
        self.rest.handle(&mut self.between, out).await?;
        self.outstanding = self.outstanding.saturating_sub(self.rest.handled);
        Ok(())
    }

    /// So many rounds, each so that `wanted` events are asked of the source, unless something waits for the stage or
    /// there is nothing to ask for.
    pub(crate) async fn rounds(
        &mut self,
        rounds: usize,
        wanted: usize,
        signal: &Signal,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        for _ in 0..rounds {
            let Some(demand) = self.missing(wanted) else { break };
            out.core.begin_batch(demand.get());
            self.round(demand, out).await?;
            out.core.counters.handled(self.take_handled());
            if self.ended || out.core.finished || !out.core.wishes.open.is_empty() || signal.is_marked() {
                break;
            }
        }
        Ok(())
    }

    /// How many events the rest has handled since the last call.
    #[inline]
    pub(crate) fn take_handled(&mut self) -> usize {
        std::mem::take(&mut self.rest.handled)
    }

    /// How many events a callback that failed had in its hands.
    #[inline]
    pub(crate) fn in_hand(&self) -> usize {
        self.rest.in_hand
    }

    /// Whether the source will emit nothing more.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Tells the rest that nothing more comes from the source.
    pub(crate) async fn end(&mut self, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let Some(from) = &self.rest.from else { return Ok(()) };
        let ended = Cancellation::down(ExitReason::Normal);
        self.rest.stage.handle_cancel(Role::Producer, from, &ended, out).await
    }

    /// The part of the stage that its subscribers have to do with.
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
    /// Handles `events`, unless it wants no more; they are gone afterwards.
    #[inline]
    async fn handle(&mut self, events: &mut Vec<E>, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let emitted = events.len();
        if emitted == 0 {
            return Ok(());
        }
        self.in_hand += emitted;
        if emitted > self.chunk || out.core.finished {
            return self.handle_in_parts(events, out).await;
        }
        let Some(from) = &self.from else { return Ok(()) };
        self.stage.handle_events(Events { buffer: events, from }, out).await?;
        // What was left undrained counts as handled.
        events.clear();
        self.in_hand -= emitted;
        self.handled += emitted;
        Ok(())
    }

    /// Handles more than a batch, batch by batch, until it wants no more.
    #[cold]
    async fn handle_in_parts(&mut self, events: &mut Vec<E>, out: &mut Emitter<'_, S::Out>) -> StageResult {
        let Some(from) = &self.from else { return Ok(()) };
        self.surplus.extend(events.drain(..));
        while !self.surplus.is_empty() && !out.core.finished {
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

    /// Handles what the source flushes, until it has handled its demand.
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
                // The engine hands it out while the source waits.
                out.flush();
                if out.core.finished {
                    out.core.drain.cancel();
                }
                if !out.core.wishes.open.is_empty() {
                    return Ok(());
                }
                // The engine takes in what arrived, also where the source is ready again at once.
                yield_now().await;
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

/// Why a stage cannot take events within another.
pub(super) fn asks_by_itself<S>() -> BoxError {
    format!(
        "`{}` asks for events by itself, which it cannot do behind another stage that it is fused with: make it a step of its own",
        std::any::type_name::<S>()
    )
    .into()
}

impl<P: Producer, S> fmt::Debug for SourceThen<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceThen").finish_non_exhaustive()
    }
}
