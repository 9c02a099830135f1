//! Two steps fused into one stage.

use std::fmt;

use super::source_then::asks_by_itself;
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::stage::{Context, Emitter, Events, Init, ProducerConsumer};
use crate::sync::{Mutex, get_mut};
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Runs a second stage on the events that a first one emits, batch by batch, without a queue between them.
///
/// Events that the first stage flushes reach the second when the first has handled its batch. Messages,
/// timers and `handle_demand` are only for stages that run alone: scheduling here is an error.
pub struct Then<A: ProducerConsumer, B> {
    first: A,
    second: B,
    /// Events emitted by the first stage; empty between callbacks.
    between: Vec<A::Out>,
    /// Events flushed by the first stage; empty between callbacks.
    flushed: Mutex<Vec<A::Out>>,
}

impl<A, B> Then<A, B>
where
    A: ProducerConsumer,
    B: ProducerConsumer<In = A::Out>,
{
    /// Creates a stage that runs `second` on the events that `first` emits.
    pub fn new(first: A, second: B) -> Self {
        Self { first, second, between: Vec::new(), flushed: Mutex::new(Vec::new()) }
    }

    /// Lets the second stage handle the events that the first one emitted.
    async fn hand_on(&mut self, from: &Subscription, out: &mut Emitter<'_, B::Out>) -> StageResult {
        flushed_first(&mut self.flushed, &mut self.between);
        if self.between.is_empty() {
            return Ok(());
        }
        let handled = self.second.handle_events(Events { buffer: &mut self.between, from }, out).await;
        // Events that were not drained count as handled.
        self.between.clear();
        handled
    }
}

/// Puts the flushed events of a stage in front of those it emitted afterwards.
#[inline]
pub(super) fn flushed_first<E>(flushed: &mut Mutex<Vec<E>>, emitted: &mut Vec<E>) {
    let flushed = get_mut(flushed);
    if !flushed.is_empty() {
        flushed.append(emitted);
        std::mem::swap(flushed, emitted);
    }
}

impl<A, B> ProducerConsumer for Then<A, B>
where
    A: ProducerConsumer,
    B: ProducerConsumer<In = A::Out>,
{
    type In = A::In;
    type Out = B::Out;

    const ASKS_BY_ITSELF: bool = A::ASKS_BY_ITSELF;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        match self.first.init(cx).await? {
            Init::Ready => self.second.init(cx).await,
            Init::Declined => Ok(Init::Declined),
        }
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, A::In>,
        out: &mut Emitter<'_, B::Out>,
    ) -> StageResult {
        let from = events.from;
        let emitter =
            &mut Emitter { buffer: &mut self.between, flushed: &self.flushed, state: &mut *out.state };
        self.first.handle_events(events, emitter).await?;
        let finished = out.state.finished;
        self.hand_on(from, out).await?;
        if finished {
            // The second stage may keep events until the end of its input.
            let ended = Cancellation::down(ExitReason::Normal);
            self.second.handle_cancel(Role::Producer, from, &ended, out).await?;
        }
        Ok(())
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, B::Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Consumer {
            return self.second.handle_subscribe(peer, subscription, out).await;
        }
        let emitter =
            &mut Emitter { buffer: &mut self.between, flushed: &self.flushed, state: &mut *out.state };
        let asking = self.first.handle_subscribe(peer, subscription, emitter).await?;
        if self.second.handle_subscribe(peer, subscription, out).await? == Asking::Manual {
            return Err(asks_by_itself::<B>());
        }
        self.hand_on(subscription, out).await?;
        Ok(asking)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, B::Out>,
    ) -> StageResult {
        if peer == Role::Consumer {
            return self.second.handle_cancel(peer, subscription, cancellation, out).await;
        }
        let emitter =
            &mut Emitter { buffer: &mut self.between, flushed: &self.flushed, state: &mut *out.state };
        self.first.handle_cancel(peer, subscription, cancellation, emitter).await?;
        self.hand_on(subscription, out).await?;
        // The second stage may have kept events until the end of its input.
        self.second.handle_cancel(peer, subscription, cancellation, out).await
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.second.handle_discarded(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.first.terminate(reason).await;
        self.second.terminate(reason).await;
    }
}

impl<A: ProducerConsumer, B> fmt::Debug for Then<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then").finish_non_exhaustive()
    }
}
