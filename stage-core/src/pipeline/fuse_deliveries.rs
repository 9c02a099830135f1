//! Several stages of deliveries as one step, whose functions take the delivered events.

use std::fmt;
use std::marker::PhantomData;

use super::fuse::{Fuse, Fused, In, Out, Recipe};
use super::fuse_sink::FusedSink;
use super::handle_each::HandleEach;
use crate::ack::Delivery;
use crate::base::error::BoxError;
use crate::stage::{Consumer, Nothing, ProducerConsumer};

/// A builder for a step of several stages that takes deliveries of type `T`; see
/// [`Acknowledged::fused`](super::Acknowledged::fused).
pub struct FuseDeliveries<T> {
    fuse: Fuse<Delivery<T>>,
}

/// Stages that run as one and emit deliveries of type `U`.
#[must_use = "fused stages are returned to `fused`"]
pub struct FusedDeliveries<U, R> {
    fused: Fused<R>,
    events: PhantomData<fn() -> U>,
}

impl<T: Send + 'static> FuseDeliveries<T> {
    pub(super) fn new() -> Self {
        Self { fuse: Fuse::new() }
    }

    /// Begins with a stage, which takes deliveries and emits deliveries.
    pub fn step<S, U, R>(
        self,
        recipe: R,
    ) -> FusedDeliveries<U, impl Recipe<Stage = impl ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>>>
    where
        S: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedDeliveries::of(self.fuse.step(recipe))
    }

    /// Begins with a function of one event.
    pub fn step_fn<F, U>(
        self,
        mut function: F,
    ) -> FusedDeliveries<U, impl Recipe<Stage = impl ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>>>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        FusedDeliveries::of(self.fuse.step_fn(move |delivery: Delivery<T>| delivery.map(&mut function)))
    }
}

impl<T, R> FusedDeliveries<T, R>
where
    T: Send + 'static,
    R: Recipe<Stage: ProducerConsumer<Out = Delivery<T>>>,
{
    /// Adds a stage, which takes deliveries and emits deliveries: see [`Fused::step`].
    pub fn step<S, U, Q>(
        self,
        recipe: Q,
    ) -> FusedDeliveries<U, impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Delivery<U>>>>
    where
        S: ProducerConsumer<In = Delivery<T>, Out = Delivery<U>>,
        U: Send + 'static,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedDeliveries::of(self.fused.step(recipe))
    }

    /// Adds a function of one event.
    pub fn step_fn<F, U>(
        self,
        mut function: F,
    ) -> FusedDeliveries<U, impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Delivery<U>>>>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        FusedDeliveries::of(self.fused.step_fn(move |delivery: Out<R>| delivery.map(&mut function)))
    }
}

impl<T, R> FusedDeliveries<T, R>
where
    T: Send + 'static,
    R: Recipe<Stage: ProducerConsumer<Out = Delivery<T>>>,
{
    /// Ends with a sink, which acknowledges or rejects the deliveries that it takes: see [`Fused::finish`].
    pub fn finish<C, Q>(
        self,
        recipe: Q,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Nothing>>>
    where
        C: Consumer<Event = Delivery<T>>,
        Q: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        self.fused.finish(recipe)
    }

    /// Ends with a function that is called with each event, which is acknowledged when the function has
    /// returned.
    pub fn finish_fn<F>(
        self,
        function: F,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Nothing>>>
    where
        F: FnMut(T) + Clone + Send + 'static,
    {
        self.fused.finish(move || Ok(HandleEach::new(function.clone())))
    }
}

impl<U, R: Recipe> FusedDeliveries<U, R> {
    fn of(fused: Fused<R>) -> Self {
        Self { fused, events: PhantomData }
    }

    pub(super) fn into_recipe(self) -> R {
        self.fused.into_recipe()
    }
}

impl<T> fmt::Debug for FuseDeliveries<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FuseDeliveries")
    }
}

impl<U, R> fmt::Debug for FusedDeliveries<U, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedDeliveries").finish_non_exhaustive()
    }
}
