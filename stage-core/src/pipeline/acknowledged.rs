//! A chain of deliveries whose functions take the delivered events.

use std::hash::Hash;

use super::builder::Pipeline;
use super::chain::Chain;
use super::fork::{Broadcast, Fork};
use super::fuse::Recipe;
use super::fuse_deliveries::{FuseDeliveries, FusedDeliveries};
use super::fuse_sink::FusedSink;
use super::handle_each::HandleEach;
use super::options::StepOptions;
use super::segment::Passage;
use crate::ack::Delivery;
use crate::base::error::BoxError;
use crate::dispatch::{Dispatcher, GroupDispatcher};
use crate::stage::{Consumer, Ending, Nothing, ProducerConsumer};

/// A declaration in progress whose last step so far emits deliveries of type `T`: see
/// [`Chain::acknowledged`].
#[derive(Debug)]
#[must_use = "a pipeline ends with its finish step"]
pub struct Acknowledged<T> {
    pub(super) chain: Chain<Delivery<T>>,
}

/// Implemented for the events that can be acknowledged: [`Delivery`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be acknowledged: it is not a `Delivery`",
    label = "what arrives here is `{Self}`",
    note = "only a source of `stage_core::ack::Delivery`s learns the outcome of its events: see the documentation of `stage_core::ack`, and `stage_core::sqlite` for a ready-made source"
)]
pub trait Delivered: Sized {
    /// The [`Acknowledged`] chain of these deliveries. For a type that is not a delivery, this type is
    /// unknown, so the compiler reports only that error and none for the steps that follow.
    type Lifted;

    #[doc(hidden)]
    fn lift(chain: Chain<Self>) -> Self::Lifted;
}

impl<T: Send + 'static> Delivered for Delivery<T> {
    type Lifted = Acknowledged<T>;

    fn lift(chain: Chain<Self>) -> Acknowledged<T> {
        Acknowledged { chain }
    }
}

impl<E: Send + 'static> Chain<E> {
    /// Lets the functions of all later steps take the delivered events instead of the deliveries. Stages
    /// still take and emit deliveries, since only they know which output results from which input. A chain of
    /// [`Delivery<T>`] becomes an [`Acknowledged<T>`].
    pub fn acknowledged(self) -> E::Lifted
    where
        E: Delivered,
    {
        E::lift(self)
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// Sets default options for every step declared from here on: see [`Chain::defaults`].
    pub fn defaults(self, defaults: &StepOptions) -> Self {
        Self { chain: self.chain.defaults(defaults) }
    }

    /// Feeds the copies of the next step by key: see [`Chain::by`].
    pub fn by<K, F>(self, key: F) -> Self
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        Self { chain: self.chain.by(move |delivery: &Delivery<T>| key(delivery.peek())) }
    }

    /// Lets dispatchers of deliveries decide which copy of the next step gets which deliveries: see
    /// [`Chain::dispatcher`].
    pub fn dispatcher<D>(self, dispatcher: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: Dispatcher<Delivery<T>> + 'static,
    {
        Self { chain: self.chain.dispatcher(dispatcher) }
    }

    /// Adds a step that takes deliveries and emits deliveries.
    pub fn step<S, U, R>(self, options: impl Into<StepOptions>, recipe: R) -> Acknowledged<U>
    where
        S: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.chain.step(options, recipe).acknowledged()
    }

    /// Adds a step that turns each event into one other event. If the function panics, the current event is
    /// rejected, and the rest of the batch returns to the producer untried.
    pub fn step_fn<F, U>(self, options: impl Into<StepOptions>, mut function: F) -> Acknowledged<U>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.chain.step_fn(options, move |delivery: Delivery<T>| delivery.map(&mut function)).acknowledged()
    }

    /// Adds a step of several stages that run as one: see [`Chain::fused`]. The stages take and emit
    /// deliveries, the functions take and return events.
    pub fn fused<R, U>(
        self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(FuseDeliveries<T>) -> FusedDeliveries<U, R>,
    ) -> Acknowledged<U>
    where
        R: Recipe<Stage: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>>,
        U: Send + 'static,
    {
        let recipe = stages(FuseDeliveries::new()).into_recipe();
        self.step(options, move || recipe.build())
    }

    /// Adds the steps of a segment that takes deliveries and emits deliveries: see [`Chain::through`].
    pub fn through<P, U>(self, options: impl Into<StepOptions>, part: P) -> Acknowledged<U>
    where
        P: Passage<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
    {
        self.chain.through(options, part).acknowledged()
    }

    /// Gives every event to each of the branches that follow: see [`Chain::broadcast`]. An event is
    /// acknowledged when all branches that received it have acknowledged it, and at once if no branch selects
    /// it.
    pub fn broadcast(self) -> Fork<Self>
    where
        T: Broadcast,
    {
        self.chain.fork(|branches| {
            Box::new(GroupDispatcher::every_leaving(super::route::groups(branches), Delivery::acknowledge))
        })
    }

    /// Divides the events by key among `into` lanes whose outputs are merged: see [`Chain::partition`].
    pub fn partition<K, F, U>(
        self,
        into: usize,
        key: F,
        lane: impl FnOnce(Self) -> Acknowledged<U>,
    ) -> Acknowledged<U>
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
        U: Send + 'static,
    {
        let key = move |delivery: &Delivery<T>| key(delivery.peek());
        self.chain.partition(into, key, |chain| lane(Self { chain }).chain).acknowledged()
    }

    /// Like [`partition`](Self::partition), but every lane has its own last step.
    pub fn partition_ending<K, F>(self, into: usize, key: F, lane: impl FnOnce(Self) -> Pipeline) -> Pipeline
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        let key = move |delivery: &Delivery<T>| key(delivery.peek());
        self.chain.partition_ending(into, key, |chain| lane(Self { chain }))
    }

    /// Adds the last step, which acknowledges or rejects the deliveries that it takes.
    pub fn finish<C, R>(self, options: impl Into<StepOptions>, recipe: R) -> Pipeline
    where
        C: Consumer<Event = Delivery<T>>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        self.chain.finish(options, recipe)
    }

    /// Adds the last step: calls a function with each event, and acknowledges the event when the function has
    /// returned, in groups of up to 64 events of a batch.
    pub fn finish_fn<F>(self, options: impl Into<StepOptions>, function: F) -> Pipeline
    where
        F: FnMut(T) + Clone + Send + 'static,
    {
        self.chain.finish(options, move || Ok(HandleEach::new(function.clone())))
    }

    /// Adds the last step, made of several stages that run as one: see [`Chain::finish_fused`]. The stages
    /// take deliveries, the functions take events.
    pub fn finish_fused<R>(
        self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(FuseDeliveries<T>) -> FusedSink<R>,
    ) -> Pipeline
    where
        R: Recipe<Stage: ProducerConsumer<In = Delivery<T>, Out = Nothing>>,
    {
        let recipe = stages(FuseDeliveries::new()).into_recipe();
        self.chain.finish(options, move || Ok(Ending::new(recipe.build()?)))
    }

    /// Returns a chain whose functions take deliveries again.
    pub fn deliveries(self) -> Chain<Delivery<T>> {
        self.chain
    }
}
