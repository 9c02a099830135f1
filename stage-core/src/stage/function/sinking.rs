//! Adapters for a sink within a fused stage: from consumer to step, and from fused steps back to consumer.

use std::fmt;

use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::stage::{Consumer, Context, Emitter, Events, Init, Nothing, ProducerConsumer};
use crate::sync::Mutex;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Adapts a consumer to a step that emits nothing, so that steps and sinks are fused in the same way.
pub(crate) struct Sinking<C>(pub(crate) C);

impl<C: Consumer> ProducerConsumer for Sinking<C> {
    type In = C::Event;
    type Out = Nothing;

    const ASKS_BY_ITSELF: bool = C::ASKS_BY_ITSELF;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.0.init(cx).await
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, C::Event>,
        out: &mut Emitter<'_, Nothing>,
    ) -> StageResult {
        self.0.handle_events(events, &mut Context { state: &mut *out.state }).await
    }

    async fn handle_subscribe(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, Nothing>,
    ) -> Result<Asking, BoxError> {
        self.0.handle_subscribe(subscription, &mut Context { state: &mut *out.state }).await
    }

    async fn handle_cancel(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Nothing>,
    ) -> StageResult {
        self.0.handle_cancel(subscription, cancellation, &mut Context { state: &mut *out.state }).await
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.0.terminate(reason).await;
    }
}

/// Adapts steps that end in a sink to a consumer.
pub(crate) struct Ending<S> {
    stage: S,
    emitted: Vec<Nothing>,
    flushed: Mutex<Vec<Nothing>>,
}

impl<S: ProducerConsumer<Out = Nothing>> Ending<S> {
    pub(crate) fn new(stage: S) -> Self {
        Self { stage, emitted: Vec::new(), flushed: Mutex::new(Vec::new()) }
    }
}

impl<S: ProducerConsumer<Out = Nothing>> Consumer for Ending<S> {
    type Event = S::In;

    const ASKS_BY_ITSELF: bool = S::ASKS_BY_ITSELF;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.stage.init(cx).await
    }

    async fn handle_events(&mut self, events: Events<'_, S::In>, cx: &mut Context<'_>) -> StageResult {
        let Self { stage, emitted: buffer, flushed } = self;
        stage.handle_events(events, &mut Emitter { buffer, flushed, state: &mut *cx.state }).await
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        let Self { stage, emitted: buffer, flushed } = self;
        let out = &mut Emitter { buffer, flushed, state: &mut *cx.state };
        stage.handle_subscribe(Role::Producer, subscription, out).await
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        cx: &mut Context<'_>,
    ) -> StageResult {
        let Self { stage, emitted: buffer, flushed } = self;
        let out = &mut Emitter { buffer, flushed, state: &mut *cx.state };
        stage.handle_cancel(Role::Producer, subscription, cancellation, out).await
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.stage.terminate(reason).await;
    }
}

impl<C> fmt::Debug for Sinking<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sinking").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Ending<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").finish_non_exhaustive()
    }
}
