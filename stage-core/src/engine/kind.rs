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
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::stage::{Consumer, Context, Emitter, Init, Nothing, Producer, ProducerConsumer};
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

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

    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send;

    fn subscribed(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send;

    fn cancelled(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;

    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send;

    /// Runs a callback other than those for events and demand.
    fn call(
        &mut self,
        hook: Hook<'_>,
        mut out: Emitter<'_, Self::Out>,
    ) -> impl Future<Output = HookResult> + Send {
        async move {
            match hook {
                // Boxed, as it may be large, and the future of each hook has room for all of them.
                Hook::Init => {
                    let init = Box::pin(self.init(&mut Context { state: out.state })).await?;
                    return Ok(HookOutput::Init(init));
                }
                Hook::Message(message, held) => {
                    if let Some(opened) = opened(message, held, self.stage(), &mut out) {
                        opened.await?;
                    }
                }
                Hook::Subscribed(peer, subscription) => {
                    return self.subscribed(peer, subscription, &mut out).await.map(HookOutput::Asking);
                }
                Hook::Cancelled(peer, subscription, cancellation) => {
                    self.cancelled(peer, subscription, cancellation, &mut out).await?;
                }
                Hook::Terminate(reason) => Box::pin(self.terminate(reason)).await,
            }
            Ok(HookOutput::None)
        }
    }

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

    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        self.0.init(cx)
    }

    async fn subscribed(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, P::Event>,
    ) -> Result<Asking, BoxError> {
        self.0.handle_subscribe(subscription, out).await.map(|()| Asking::Automatic)
    }

    fn cancelled(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, P::Event>,
    ) -> impl Future<Output = StageResult> + Send {
        self.0.handle_cancel(subscription, cancellation, out)
    }

    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        self.0.terminate(reason)
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

    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        self.0.init(cx)
    }

    fn subscribed(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, S::Out>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        self.0.handle_subscribe(peer, subscription, out)
    }

    fn cancelled(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        self.0.handle_cancel(peer, subscription, cancellation, out)
    }

    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        self.0.terminate(reason)
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

    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        self.0.init(cx)
    }

    async fn subscribed(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, Nothing>,
    ) -> Result<Asking, BoxError> {
        self.0.handle_subscribe(subscription, &mut Context { state: out.state }).await
    }

    async fn cancelled(
        &mut self,
        _peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Nothing>,
    ) -> StageResult {
        self.0.handle_cancel(subscription, cancellation, &mut Context { state: out.state }).await
    }

    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        self.0.terminate(reason)
    }

    fn discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    fn work(stage_loop: &mut StageLoop<Self>) -> impl Future<Output = Result<ExitReason, ExitReason>> + Send {
        consume(stage_loop)
    }
}
