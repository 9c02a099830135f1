//! The three kinds of stages behind one set of hooks, so that one loop runs them all.

use std::future::Future;

use super::hook::{Hook, HookOutput, HookResult, opened};
use super::inlet::Inlet;
use super::no_input::NoInput;
use super::no_output::NoOutput;
use super::outlet::Outlet;
use super::run::{consume, produce, transform};
use super::sides::{Input, Output};
use super::stage_loop::StageLoop;
use crate::base::error::ExitReason;
use crate::base::options::DiscardLog;
use crate::stage::{Consumer, Context, Emitter, Nothing, Producer, ProducerConsumer};

/// A stage of one kind.
pub(crate) trait Kind: Sized + Send + 'static {
    /// The user's stage type.
    type Stage: 'static;
    /// The type of events that the stage receives.
    type In: Send + 'static;
    /// The type of events that the stage emits.
    type Out: Send + 'static;
    /// The side that receives them.
    type Input: Input<Event = Self::In>;
    /// The side that hands them out.
    type Output: Output<Event = Self::Out>;

    /// Whether a queued message waits for input that has not been handled yet.
    const QUEUES_INPUT: bool = false;

    /// Whether the stage's input comes from outside the pipeline.
    const IS_SOURCE: bool = false;

    /// Whether a restarted source usually begins with its first events again.
    const STARTS_OVER: bool = false;

    fn stage(&mut self) -> &mut Self::Stage;

    /// Runs a callback other than those for events and demand.
    fn call(
        &mut self,
        hook: Hook<'_>,
        out: Emitter<'_, Self::Out>,
    ) -> impl Future<Output = HookResult> + Send;

    fn discarded(&mut self, events: usize) -> DiscardLog;

    /// Offers the stage the emitted events that no consumer received; returns those that it does not keep.
    fn take_back(&mut self, events: Vec<Self::Out>) -> Vec<Self::Out> {
        events
    }

    /// Works until the stage has a reason to end.
    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send;
}

/// A stage that only produces events.
pub(crate) struct Producing<P>(pub(crate) P);

/// A stage that transforms events.
pub(crate) struct Transforming<S>(pub(crate) S);

/// A stage that only consumes events.
pub(crate) struct Consuming<C>(pub(crate) C);

impl<P: Producer> Kind for Producing<P> {
    type Stage = P;
    type In = Nothing;
    type Out = P::Event;
    type Input = NoInput;
    type Output = Outlet<P::Event>;

    const IS_SOURCE: bool = true;
    const STARTS_OVER: bool = P::STARTS_OVER;

    fn stage(&mut self) -> &mut P {
        &mut self.0
    }

    async fn call(&mut self, hook: Hook<'_>, mut out: Emitter<'_, P::Event>) -> HookResult {
        let stage = &mut self.0;
        match hook {
            // Boxed, as it may be large, and the future of each hook has room for all of them.
            Hook::Init => {
                return Box::pin(stage.init(&mut Context { state: out.state })).await.map(HookOutput::Init);
            }
            Hook::Message(message, held) => {
                if let Some(opened) = opened(message, held, stage, &mut out) {
                    opened.await?;
                }
            }
            Hook::Subscribed(_, subscription) => stage.handle_subscribe(subscription, &mut out).await?,
            Hook::Cancelled(_, subscription, cancellation) => {
                stage.handle_cancel(subscription, cancellation, &mut out).await?;
            }
            Hook::Terminate(reason) => Box::pin(stage.terminate(reason)).await,
        }
        Ok(HookOutput::None)
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        self.0.handle_discarded(events)
    }

    fn take_back(&mut self, events: Vec<P::Event>) -> Vec<P::Event> {
        self.0.take_back(events)
    }

    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send {
        produce(stage_loop)
    }
}

impl<S: ProducerConsumer> Kind for Transforming<S> {
    type Stage = S;
    type In = S::In;
    type Out = S::Out;
    type Input = Inlet<S::In>;
    type Output = Outlet<S::Out>;

    const QUEUES_INPUT: bool = true;

    fn stage(&mut self) -> &mut S {
        &mut self.0
    }

    async fn call(&mut self, hook: Hook<'_>, mut out: Emitter<'_, S::Out>) -> HookResult {
        let stage = &mut self.0;
        match hook {
            // Boxed, as it may be large, and the future of each hook has room for all of them.
            Hook::Init => {
                return Box::pin(stage.init(&mut Context { state: out.state })).await.map(HookOutput::Init);
            }
            Hook::Message(message, held) => {
                if let Some(opened) = opened(message, held, stage, &mut out) {
                    opened.await?;
                }
            }
            Hook::Subscribed(peer, subscription) => {
                let asking = stage.handle_subscribe(peer, subscription, &mut out).await?;
                return Ok(HookOutput::Asking(asking));
            }
            Hook::Cancelled(peer, subscription, cancellation) => {
                stage.handle_cancel(peer, subscription, cancellation, &mut out).await?;
            }
            Hook::Terminate(reason) => Box::pin(stage.terminate(reason)).await,
        }
        Ok(HookOutput::None)
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        self.0.handle_discarded(events)
    }

    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send {
        transform(stage_loop)
    }
}

impl<C: Consumer> Kind for Consuming<C> {
    type Stage = C;
    type In = C::Event;
    type Out = Nothing;
    type Input = Inlet<C::Event>;
    type Output = NoOutput;

    fn stage(&mut self) -> &mut C {
        &mut self.0
    }

    async fn call(&mut self, hook: Hook<'_>, mut out: Emitter<'_, Nothing>) -> HookResult {
        let stage = &mut self.0;
        match hook {
            // Boxed, as it may be large, and the future of each hook has room for all of them.
            Hook::Init => {
                return Box::pin(stage.init(&mut Context { state: out.state })).await.map(HookOutput::Init);
            }
            Hook::Message(message, held) => {
                if let Some(opened) = opened(message, held, stage, &mut out) {
                    opened.await?;
                }
            }
            Hook::Subscribed(_, subscription) => {
                let asking = stage.handle_subscribe(subscription, &mut Context { state: out.state }).await?;
                return Ok(HookOutput::Asking(asking));
            }
            Hook::Cancelled(_, subscription, cancellation) => {
                stage.handle_cancel(subscription, cancellation, &mut Context { state: out.state }).await?;
            }
            Hook::Terminate(reason) => Box::pin(stage.terminate(reason)).await,
        }
        Ok(HookOutput::None)
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send {
        consume(stage_loop)
    }
}
