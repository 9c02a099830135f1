//! The recipe of a fused step: the parts that it consists of, and how the next one is added.

use std::marker::PhantomData;

use crate::base::error::BoxError;
use crate::policy::{Carry, Plain};
use crate::stage::{Consumer, MapEach, Nothing, ProducerConsumer, Sinking, Then};

/// Builds a stage, once per copy and again at each restart.
pub trait Recipe: Send + 'static {
    /// The carrier of the events that the stage emits.
    type Carry: Carry;
    /// The input of the stage: events or deliveries.
    type In: Send + 'static;
    /// The events that the stage emits.
    type Event: Send + 'static;
    /// The stage.
    type Stage: ProducerConsumer<In = Self::In, Out = Out<Self>>;

    /// Builds a stage.
    ///
    /// # Errors
    ///
    /// Returns the error of the first part whose recipe fails.
    fn build(&self) -> Result<Self::Stage, BoxError>;

    /// Returns a recipe for this stage followed by another stage.
    fn then<S, U, Q>(self, recipe: Q) -> impl Recipe<Carry = Self::Carry, In = Self::In, Event = U>
    where
        Self: Sized,
        S: ProducerConsumer<In = Out<Self>, Out = Of<Self, U>>,
        U: Send + 'static,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let first = self;
        made(move || Ok(Then::new(first.build()?, recipe()?)))
    }

    /// Returns a recipe for this stage followed by a function of one event.
    fn then_fn<F, U>(self, function: F) -> impl Recipe<Carry = Self::Carry, In = Self::In, Event = U>
    where
        Self: Sized,
        F: FnMut(Self::Event) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        let first = self;
        made(move || {
            let mut function = function.clone();
            let map = move |carried: Out<Self>| Self::Carry::map(carried, &mut function);
            Ok(Then::new(first.build()?, MapEach::new(map)))
        })
    }

    /// Returns a recipe for this stage followed by a sink.
    fn then_sink<S, Q>(self, recipe: Q) -> impl Recipe<Carry = Plain, In = Self::In, Event = Nothing>
    where
        Self: Sized,
        S: Consumer<Event = Out<Self>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let first = self;
        made(move || Ok(Then::new(first.build()?, Sinking(recipe()?))))
    }

    /// Returns a recipe for this stage followed by a function that consumes each event.
    fn then_each<F>(self, function: F) -> impl Recipe<Carry = Plain, In = Self::In, Event = Nothing>
    where
        Self: Sized,
        F: FnMut(Self::Event) + Clone + Send + 'static,
    {
        self.then_sink(move || Ok(Self::Carry::each(function.clone(), false)))
    }
}

/// The carried type for an event of type `T` in the output of the stage of `R`.
pub(super) type Of<R, T> = <<R as Recipe>::Carry as Carry>::Of<T>;

/// The output of the stage of `R`.
pub(super) type Out<R> = Of<R, <R as Recipe>::Event>;

/// No part yet: its stage passes every event on. The first part takes its place.
pub struct Begin<T, C = Plain> {
    types: PhantomData<fn() -> (T, C)>,
}

/// A closure that builds a stage.
struct Made<S, T, C, F> {
    build: F,
    stage: PhantomData<fn() -> S>,
    emits: PhantomData<fn() -> (T, C)>,
}

/// A function of the input of the step. Further functions are composed with it into one, so that an event passes
/// through all of them in one loop, and the compiler can optimise them together.
struct MadeFn<F, I, T, C> {
    function: F,
    types: PhantomData<fn(I) -> (T, C)>,
}

fn made<S, T, C, F>(build: F) -> Made<S, T, C, F>
where
    S: ProducerConsumer<Out = C::Of<T>>,
    T: Send + 'static,
    C: Carry,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    Made { build, stage: PhantomData, emits: PhantomData }
}

impl<T, C> Begin<T, C> {
    pub(super) fn new() -> Self {
        Self { types: PhantomData }
    }
}

impl<T: Send + 'static, C: Carry> Recipe for Begin<T, C> {
    type Carry = C;
    type In = C::Of<T>;
    type Event = T;
    type Stage = MapEach<fn(C::Of<T>) -> C::Of<T>, C::Of<T>, C::Of<T>>;

    fn build(&self) -> Result<Self::Stage, BoxError> {
        Ok(MapEach::new(std::convert::identity))
    }

    fn then<S, U, Q>(self, recipe: Q) -> impl Recipe<Carry = C, In = C::Of<T>, Event = U>
    where
        S: ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>,
        U: Send + 'static,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        made(recipe)
    }

    fn then_fn<F, U>(self, mut function: F) -> impl Recipe<Carry = C, In = C::Of<T>, Event = U>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        let function = move |carried: C::Of<T>| C::map(carried, &mut function);
        MadeFn { function, types: PhantomData }
    }

    fn then_sink<S, Q>(self, recipe: Q) -> impl Recipe<Carry = Plain, In = C::Of<T>, Event = Nothing>
    where
        S: Consumer<Event = C::Of<T>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        made(move || Ok(Sinking(recipe()?)))
    }
}

impl<S, T, C, F> Recipe for Made<S, T, C, F>
where
    S: ProducerConsumer<Out = C::Of<T>>,
    T: Send + 'static,
    C: Carry,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    type Carry = C;
    type In = S::In;
    type Event = T;
    type Stage = S;

    fn build(&self) -> Result<S, BoxError> {
        (self.build)()
    }
}

impl<F, I, T, C> Recipe for MadeFn<F, I, T, C>
where
    F: FnMut(I) -> C::Of<T> + Clone + Send + 'static,
    I: Send + 'static,
    T: Send + 'static,
    C: Carry,
{
    type Carry = C;
    type In = I;
    type Event = T;
    type Stage = MapEach<F, I, C::Of<T>>;

    fn build(&self) -> Result<Self::Stage, BoxError> {
        Ok(MapEach::new(self.function.clone()))
    }

    fn then_fn<G, U>(self, mut second: G) -> impl Recipe<Carry = C, In = I, Event = U>
    where
        G: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        let mut first = self.function;
        let function = move |event: I| C::map(first(event), &mut second);
        MadeFn { function, types: PhantomData }
    }

    fn then_each<G>(self, second: G) -> impl Recipe<Carry = Plain, In = I, Event = Nothing>
    where
        G: FnMut(T) + Clone + Send + 'static,
    {
        let first = self.function;
        made(move || Ok(C::each_after(first.clone(), second.clone())))
    }
}
