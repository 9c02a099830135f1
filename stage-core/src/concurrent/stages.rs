//! The step and the sink that handle several events at once.

use std::fmt;

use super::job::Look;
use super::pool::Pool;
use super::rules::Rules;
use crate::base::error::{BoxError, StageResult};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::policy::{Carry, EachEvent, HandlerRecipe};
use crate::stage::{Cast, Consumer, Context, Effect, Emitter, Events, Init, Nothing, ProducerConsumer};
use crate::sync::Arc;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Passes on the results of an [`EachEvent`].
pub(super) struct ConcurrentStep<H: EachEvent, C: Carry>(Pool<H, C>);

/// Drops the results of an [`EachEvent`], and acknowledges its events.
pub(super) struct ConcurrentSink<H: EachEvent, C: Carry>(Pool<H, C>);

impl<H: EachEvent, C: Carry> ConcurrentStep<H, C> {
    pub(super) fn new(rules: Rules<H::In, C>, recipe: HandlerRecipe<H>) -> Result<Self, BoxError> {
        Pool::new(rules, recipe).map(Self)
    }

    async fn serve(&mut self, out: &mut Emitter<'_, C::Of<H::Out>>) -> StageResult {
        let Self(pool) = self;
        if let Err(reason) = pool.collect(out.state).await {
            pool.count(out.state);
            out.state.effects.open.push(Effect::Fail(reason));
            return Ok(());
        }
        let mut room = out.demand();
        while let Some(made) = pool.next_result(room) {
            if let Some((made, token)) = made {
                out.emit(C::close(made, token));
                room = room.saturating_sub(1);
            }
        }
        pool.go_on::<Self>(&mut Context { state: &mut *out.state })
    }
}

impl<H: EachEvent, C: Carry> ConcurrentSink<H, C> {
    pub(super) fn new(rules: Rules<H::In, C>, recipe: HandlerRecipe<H>) -> Result<Self, BoxError> {
        Pool::new(rules, recipe).map(Self)
    }

    async fn serve(&mut self, cx: &mut Context<'_>) -> StageResult {
        let Self(pool) = self;
        if let Err(reason) = pool.collect(cx.state).await {
            pool.count(cx.state);
            cx.state.effects.open.push(Effect::Fail(reason));
            return Ok(());
        }
        while let Some(made) = pool.next_result(usize::MAX) {
            if let Some((_, token)) = made {
                token.acknowledge();
            }
        }
        pool.go_on::<Self>(cx)
    }
}

impl<H: EachEvent, C: Carry> ProducerConsumer for ConcurrentStep<H, C> {
    type In = C::Of<H::In>;
    type Out = C::Of<H::Out>;

    const ASKS_BY_ITSELF: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let stage = StageRef::<Self, Self::In, Self::Out>::current(cx)?;
        let wake = move || {
            // Fails if the stage has already ended.
            let _ = stage.cast(Look);
        };
        self.0.begin(Arc::new(wake), cx.state);
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _: &mut Emitter<'_, Self::Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Consumer {
            return Ok(Asking::Automatic);
        }
        self.0.subscribe(subscription);
        Ok(Asking::Manual)
    }

    async fn handle_cancel(
        &mut self,
        _: Role,
        subscription: &Subscription,
        _: &Cancellation,
        _: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        self.0.lines.unsubscribe(subscription);
        Ok(())
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        self.0.take(events);
        self.serve(out).await
    }

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, Self::Out>) -> StageResult {
        self.serve(out).await
    }
}

impl<H: EachEvent, C: Carry> Cast<Look> for ConcurrentStep<H, C> {
    type Out = C::Of<H::Out>;

    async fn handle_cast(&mut self, _: Look, out: &mut Emitter<'_, Self::Out>) -> StageResult {
        self.serve(out).await
    }
}

impl<H: EachEvent, C: Carry> Consumer for ConcurrentSink<H, C> {
    type Event = C::Of<H::In>;

    const ASKS_BY_ITSELF: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let stage = StageRef::<Self, Self::Event, Nothing>::current(cx)?;
        let wake = move || {
            // Fails if the stage has already ended.
            let _ = stage.cast(Look);
        };
        self.0.begin(Arc::new(wake), cx.state);
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        _: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.0.subscribe(subscription);
        Ok(Asking::Manual)
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        _: &Cancellation,
        _: &mut Context<'_>,
    ) -> StageResult {
        self.0.lines.unsubscribe(subscription);
        Ok(())
    }

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, cx: &mut Context<'_>) -> StageResult {
        self.0.take(events);
        self.serve(cx).await
    }
}

impl<H: EachEvent, C: Carry> Cast<Look> for ConcurrentSink<H, C> {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Look, out: &mut Emitter<'_, Nothing>) -> StageResult {
        self.serve(&mut Context { state: &mut *out.state }).await
    }
}

impl<H: EachEvent, C: Carry> fmt::Debug for ConcurrentStep<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConcurrentStep").field(&self.0).finish()
    }
}

impl<H: EachEvent, C: Carry> fmt::Debug for ConcurrentSink<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConcurrentSink").field(&self.0).finish()
    }
}
