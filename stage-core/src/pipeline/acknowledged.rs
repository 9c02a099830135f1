//! A chain of deliveries whose functions need not know of them.

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

/// A declaration whose last step so far emits deliveries of type `T`: see [`Chain::acknowledged`].
#[derive(Debug)]
#[must_use = "a pipeline ends with its finish step"]
pub struct Acknowledged<T> {
    pub(super) chain: Chain<Delivery<T>>,
}

/// What can be acknowledged: a [`Delivery`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be acknowledged: it is not a `Delivery`",
    label = "what arrives here is `{Self}`",
    note = "only a source of `stage_core::ack::Delivery`s is told what became of its events: see the documentation of `stage_core::ack`, and `stage_core::sqlite` for a ready-made one"
)]
pub trait Delivered: Sized {
    /// The [`Acknowledged`] chain of them. Where there is none, the compiler knows nothing of what follows, and
    /// reports nothing of it.
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
    /// From here on functions are of what is delivered: the delivery goes around them. Stages still take and
    /// emit deliveries, since only they know what comes of what. A chain of [`Delivery<T>`] becomes an
    /// [`Acknowledged<T>`].
    pub fn acknowledged(self) -> E::Lifted
    where
        E: Delivered,
    {
        E::lift(self)
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// Options for every step declared from here on: see [`Chain::defaults`].
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

    /// Has dispatchers of deliveries decide which copy of the next step gets which: see [`Chain::dispatcher`].
    pub fn dispatcher<D>(self, dispatcher: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: Dispatcher<Delivery<T>> + 'static,
    {
        Self { chain: self.chain.dispatcher(dispatcher) }
    }

    /// A step that takes deliveries and emits deliveries.
    pub fn step<S, U, R>(self, options: impl Into<StepOptions>, recipe: R) -> Acknowledged<U>
    where
        S: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.chain.step(options, recipe).acknowledged()
    }

    /// A step that turns each event into one other. If it panics, the event in its hands is rejected, and the
    /// rest of the batch goes back untried.
    pub fn step_fn<F, U>(self, options: impl Into<StepOptions>, mut function: F) -> Acknowledged<U>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.chain.step_fn(options, move |delivery: Delivery<T>| delivery.map(&mut function)).acknowledged()
    }

    /// A step of several stages that run as one: see [`Chain::fused`]. The stages take and emit deliveries, the
    /// functions what is delivered.
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

    /// Goes through a part that takes deliveries and emits deliveries: see [`Chain::through`].
    pub fn through<P, U>(self, options: impl Into<StepOptions>, part: P) -> Acknowledged<U>
    where
        P: Passage<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
    {
        self.chain.through(options, part).acknowledged()
    }

    /// Gives every event to each of the branches that follow: see [`Chain::broadcast`]. An event is acknowledged
    /// when all branches that got it have acknowledged it, and at once if none selects it.
    pub fn broadcast(self) -> Fork<Self>
    where
        T: Broadcast,
    {
        self.chain.fork(|branches| {
            Box::new(GroupDispatcher::every_leaving(super::route::groups(branches), Delivery::acknowledge))
        })
    }

    /// Divides the events by key among `into` lanes that come back together: see [`Chain::partition`].
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

    /// As [`partition`](Self::partition), where every lane has its own end.
    pub fn partition_ending<K, F>(self, into: usize, key: F, lane: impl FnOnce(Self) -> Pipeline) -> Pipeline
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        let key = move |delivery: &Delivery<T>| key(delivery.peek());
        self.chain.partition_ending(into, key, |chain| lane(Self { chain }))
    }

    /// The last step, which acknowledges or rejects what it takes.
    pub fn finish<C, R>(self, options: impl Into<StepOptions>, recipe: R) -> Pipeline
    where
        C: Consumer<Event = Delivery<T>>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        self.chain.finish(options, recipe)
    }

    /// The last step: calls a function with each event, and acknowledges it when the function has returned, up to 64
    /// events of a batch together.
    pub fn finish_fn<F>(self, options: impl Into<StepOptions>, function: F) -> Pipeline
    where
        F: FnMut(T) + Clone + Send + 'static,
    {
        self.chain.finish(options, move || Ok(HandleEach::new(function.clone())))
    }

    /// The last step, of several stages that run as one: see [`Chain::finish_fused`]. The stages take deliveries, the
    /// functions what is delivered.
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

    /// A chain whose functions take deliveries again.
    pub fn deliveries(self) -> Chain<Delivery<T>> {
        self.chain
    }
}
