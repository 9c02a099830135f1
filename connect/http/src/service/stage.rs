//! The stage that calls a service with each event.
//!
//! Invariants:
//! 1. A ready clone exists for every event that was asked for, so `call` follows `poll_ready` on the same clone.
//! 2. Per subscription, at most `max_demand` clones get ready, are ready or are called.
//! 3. A call holds its stage until its result is emitted.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use stage_core::ack::Token;
use stage_core::stage::{Cast, Hold};
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{
    BoxError, Context, Demand, Emitter, Events, ExitReason, Init, ProducerConsumer, StageRef, StageResult,
};
use tokio::task::JoinSet;
use tower_service::Service;

use super::carry::{Acknowledged, Carry, Plain};

/// The step made by [`service`] and [`service_acknowledged`].
///
/// The compiler finds the type of the service, and the way in which events carry requests:
///
/// ```
/// use std::convert::Infallible;
///
/// use stage_core::{Pipeline, StepOptions};
/// use stage_http::{ServiceStep, service};
///
/// let lengths = || {
///     let length = tower::service_fn(|word: String| async move { Ok::<_, Infallible>(word.len()) });
///     let step: ServiceStep<_, String, _> = service(length);
///     Ok(step)
/// };
/// let pipeline = Pipeline::builder("lengths")
///     .start_fn("words", || Ok(["a", "bb"].map(str::to_owned)))
///     .step(StepOptions::named("lengths").max_demand(4), lengths)
///     .finish_fn("print", |length: Result<usize, Infallible>| println!("{length:?}"));
/// # drop(pipeline);
/// ```
pub struct ServiceStep<S: Service<Request>, Request, C: Carry<Request, S::Response, S::Error>> {
    service: S,
    own: Option<StageRef<Self, C::In, C::Out>>,
    /// The clones that wait for an event of their subscription.
    ready: Vec<(Subscription, S)>,
    /// The subscriptions that have not ended.
    subscriptions: Vec<Subscription>,
    tasks: JoinSet<()>,
    types: PhantomData<fn(Request) -> C>,
}

/// Makes a step that calls a tower service with each event and emits the results.
///
/// The step asks for an event only after a clone of the service is ready for it, so that no event waits in the step
/// while the service is busy, and another copy of the step can take it. `max_demand` of the step is the number of calls
/// that may be open on each of its subscriptions, and of clones that may be ready; with 1, the order of the events is
/// kept, otherwise results come in the order in which they are ready.
///
/// A service that reserves something in `poll_ready`, such as a permit of a limit, keeps it until the event comes.
///
/// ```
/// use std::convert::Infallible;
/// use stage_core::{Pipeline, StepOptions, sink};
/// use stage_http::service;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let pipeline = Pipeline::builder("lengths")
///     .start_fn("words", || Ok(["a", "bb"]))
///     .step(StepOptions::named("lengths").max_demand(1), || {
///         Ok(service(tower::service_fn(|word: &'static str| async move { Ok::<_, Infallible>(word.len()) })))
///     })
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, [Ok(1), Ok(2)]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The error of a call is an event. An error of `poll_ready` ends the stage: the service is broken, and the recipe makes
/// a new one.
///
/// # Panics
///
/// A panic of the service ends the stage, which is then restarted.
///
/// # Drain and stop
///
/// A drain waits for open calls. A stop drops them.
pub fn service<S, Request>(service: S) -> ServiceStep<S, Request, Plain>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    Request: Send + 'static,
{
    ServiceStep::new(service)
}

/// Like [`service`], for the requests of an acknowledged chain: the step emits responses, and rejects the delivery of a
/// request whose call fails.
///
/// ```
/// use stage_core::ack::Delivery;
/// use stage_core::{Pipeline, StepOptions, sink};
/// use stage_http::service_acknowledged;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (all, collected) = sink::collect::<Vec<_>, _>();
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("words", || Ok(["1", "two"].map(Delivery::untracked)))
///     .step("parse", || {
///         Ok(service_acknowledged(tower::service_fn(|word: &'static str| async move { word.parse::<u64>() })))
///     })
///     .acknowledged()
///     .step_fn("double", |number| number * 2)
///     .deliveries()
///     .step_fn("open", |delivery| delivery.into_parts().0)
///     .finish("all", move || Ok(all.clone()));
/// pipeline.start().await?.join().await?;
/// assert_eq!(collected.await?, [2]);
/// # Ok(())
/// # }
/// ```
pub fn service_acknowledged<S, Request>(service: S) -> ServiceStep<S, Request, Acknowledged>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    Request: Send + 'static,
{
    ServiceStep::new(service)
}

/// A message of a task to its stage.
enum News<S, Out> {
    /// A clone of the service is ready.
    Ready(Subscription, S),
    /// A call has ended.
    Done(Subscription, Option<Out>, Hold),
    /// The service failed.
    Broken(ExitReason),
}

impl<S, Request, C> ServiceStep<S, Request, C>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    Request: Send + 'static,
    C: Carry<Request, S::Response, S::Error>,
{
    /// Runs a task that reports to the stage; a panic of it ends the stage.
    fn run(&mut self, task: impl Future<Output = Result<News<S, C::Out>, ExitReason>> + Send + 'static) {
        let Some(own) = self.own.clone() else { return };
        self.tasks.spawn(async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            let news = outcome
                .unwrap_or_else(|payload| Err(ExitReason::from_panic(&*payload)))
                .unwrap_or_else(News::Broken);
            // A stage that has ended needs no news.
            let _ = own.cast(news);
        });
    }

    /// Makes a clone ready for an event of a subscription.
    fn make_ready(&mut self, subscription: Subscription) {
        while self.tasks.try_join_next().is_some() {}
        let mut service = self.service.clone();
        self.run(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.map_err(|error| ExitReason::from(error.into()))?;
            Ok(News::Ready(subscription, service))
        });
    }

    fn call(
        &mut self,
        mut service: S,
        request: Request,
        token: Token,
        subscription: Subscription,
        hold: Hold,
    ) {
        let called = service.call(request);
        self.run(async move {
            let result = called.await;
            Ok(News::Done(subscription, C::close(result, token), hold))
        });
    }
}

impl<S, Request, C> ServiceStep<S, Request, C>
where
    S: Service<Request>,
    C: Carry<Request, S::Response, S::Error>,
{
    fn new(service: S) -> Self {
        let (ready, subscriptions) = (Vec::new(), Vec::new());
        Self { service, own: None, ready, subscriptions, tasks: JoinSet::new(), types: PhantomData }
    }
}

impl<S, Request, C> ProducerConsumer for ServiceStep<S, Request, C>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    Request: Send + 'static,
    C: Carry<Request, S::Response, S::Error>,
{
    type In = C::In;
    type Out = C::Out;

    const ASKS_BY_ITSELF: bool = true;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.own = Some(StageRef::current(cx)?);
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _: &mut Emitter<'_, C::Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Producer {
            self.subscriptions.push(subscription.clone());
            for _ in 0..subscription.window().max() {
                self.make_ready(subscription.clone());
            }
        }
        Ok(Asking::Manual)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, C::In>,
        out: &mut Emitter<'_, C::Out>,
    ) -> StageResult {
        let subscription = events.from().clone();
        for event in events {
            let place = self.ready.iter().position(|(from, _)| *from == subscription);
            let service = if let Some(place) = place {
                self.ready.swap_remove(place).1
            } else {
                // An operator can ask for more than the slots do.
                let mut service = self.service.clone();
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                service
            };
            let (request, token) = C::open(event);
            self.call(service, request, token, subscription.clone(), out.hold());
        }
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        _: &Cancellation,
        _: &mut Emitter<'_, C::Out>,
    ) -> StageResult {
        if peer == Role::Producer {
            self.subscriptions.retain(|of| of != subscription);
            self.ready.retain(|(of, _)| of != subscription);
        }
        Ok(())
    }
}

impl<S, Request, C> Cast<News<S, C::Out>> for ServiceStep<S, Request, C>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Into<BoxError> + Send + 'static,
    Request: Send + 'static,
    C: Carry<Request, S::Response, S::Error>,
{
    type Out = C::Out;

    async fn handle_cast(&mut self, news: News<S, C::Out>, out: &mut Emitter<'_, C::Out>) -> StageResult {
        match news {
            News::Ready(subscription, service) => {
                if self.subscriptions.contains(&subscription)
                    && let Some(one) = Demand::new(1)
                {
                    self.ready.push((subscription.clone(), service));
                    subscription.ask(one);
                }
                Ok(())
            }
            News::Done(subscription, emitted, _hold) => {
                out.extend(emitted);
                if self.subscriptions.contains(&subscription) {
                    self.make_ready(subscription);
                }
                Ok(())
            }
            News::Broken(reason) => Err(reason.into()),
        }
    }
}

impl<S, Request, C> fmt::Debug for ServiceStep<S, Request, C>
where
    S: Service<Request>,
    C: Carry<Request, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceStep").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}
