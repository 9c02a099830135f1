//! Several stages as one step, without queues between them.

use std::marker::PhantomData;

use crate::base::error::BoxError;
use crate::stage::{ForEach, MapEach, Nothing, ProducerConsumer, Sinking, Then};

/// A builder for a step of several stages that takes events of type `E`; see
/// [`Chain::fused`](super::Chain::fused).
pub struct Fuse<E> {
    events: PhantomData<fn(E)>,
}

/// Stages that run as one.
#[must_use = "fused stages are returned to `fused`"]
pub struct Fused<R> {
    recipe: R,
}

/// Builds a stage, once per copy and again at each restart.
pub trait Recipe: Send + 'static {
    /// The stage.
    type Stage: ProducerConsumer;

    /// Builds a stage.
    ///
    /// # Errors
    ///
    /// Returns the error of the first part whose recipe fails.
    fn build(&self) -> Result<Self::Stage, BoxError>;

    /// Returns a recipe for this stage followed by a function of one event.
    fn then_fn<F, O>(self, function: F) -> impl Recipe<Stage = impl ProducerConsumer<In = In<Self>, Out = O>>
    where
        Self: Sized,
        F: FnMut(Out<Self>) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        let first = self;
        make(move || Ok(Then::new(first.build()?, MapEach::new(function.clone()))))
    }

    /// Returns a recipe for this stage followed by a function that consumes each event.
    fn then_each<F>(
        self,
        function: F,
    ) -> impl Recipe<Stage = impl ProducerConsumer<In = In<Self>, Out = Nothing>>
    where
        Self: Sized,
        F: FnMut(Out<Self>) + Clone + Send + 'static,
    {
        let first = self;
        make(move || Ok(Then::new(first.build()?, Sinking(ForEach::new(function.clone())))))
    }
}

/// A closure that builds a stage.
pub(super) struct Made<S, F> {
    build: F,
    stage: PhantomData<fn() -> S>,
}

impl<S, F> Recipe for Made<S, F>
where
    S: ProducerConsumer,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    type Stage = S;

    fn build(&self) -> Result<S, BoxError> {
        (self.build)()
    }
}

/// A function of one event. Further functions are composed with it into one, so that an event passes through
/// all of them in one loop, and the compiler can optimise them together.
struct MadeFn<F, In> {
    function: F,
    events: PhantomData<fn(In)>,
}

impl<F, I, O> Recipe for MadeFn<F, I>
where
    F: FnMut(I) -> O + Clone + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
{
    type Stage = MapEach<F, I, O>;

    fn build(&self) -> Result<Self::Stage, BoxError> {
        Ok(MapEach::new(self.function.clone()))
    }

    fn then_fn<G, P>(self, mut second: G) -> impl Recipe<Stage = impl ProducerConsumer<In = I, Out = P>>
    where
        G: FnMut(O) -> P + Clone + Send + 'static,
        P: Send + 'static,
    {
        let mut first = self.function;
        MadeFn { function: move |event| second(first(event)), events: PhantomData }
    }

    fn then_each<G>(self, mut second: G) -> impl Recipe<Stage = impl ProducerConsumer<In = I, Out = Nothing>>
    where
        G: FnMut(O) + Clone + Send + 'static,
    {
        let mut first = self.function;
        let both = move |event| second(first(event));
        make(move || Ok(Sinking(ForEach::new(both.clone()))))
    }
}

pub(super) fn make<S, F>(build: F) -> Made<S, F>
where
    S: ProducerConsumer,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    Made { build, stage: PhantomData }
}

/// The input and output types of a recipe's stage.
pub(super) type In<R> = <<R as Recipe>::Stage as ProducerConsumer>::In;
pub(super) type Out<R> = <<R as Recipe>::Stage as ProducerConsumer>::Out;

impl<E: Send + 'static> Fuse<E> {
    pub(super) fn new() -> Self {
        Self { events: PhantomData }
    }

    /// Begins with a stage.
    pub fn step<S, R>(
        self,
        recipe: R,
    ) -> Fused<impl Recipe<Stage = impl ProducerConsumer<In = E, Out = S::Out>>>
    where
        S: ProducerConsumer<In = E>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        Fused { recipe: make(recipe) }
    }

    /// Begins with a function of one event.
    pub fn step_fn<F, O>(
        self,
        function: F,
    ) -> Fused<impl Recipe<Stage = impl ProducerConsumer<In = E, Out = O>>>
    where
        F: FnMut(E) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        Fused { recipe: MadeFn { function, events: PhantomData } }
    }
}

// The stage types stay opaque, so that the compiler reports a mistake in a stage there, and not again in
// everything built from it.
impl<R: Recipe> Fused<R> {
    /// Adds a stage that takes the output of the one before, immediately.
    ///
    /// It keeps its hooks for subscriptions, its `init` and its `terminate`. It cannot receive or schedule
    /// messages, and it is not notified of demand: a stage that needs this must be a separate step.
    pub fn step<S, Q>(
        self,
        recipe: Q,
    ) -> Fused<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = S::Out>>>
    where
        S: ProducerConsumer<In = Out<R>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let first = self.recipe;
        Fused { recipe: make(move || Ok(Then::new(first.build()?, recipe()?))) }
    }

    /// Adds a function of one event.
    pub fn step_fn<F, O>(
        self,
        function: F,
    ) -> Fused<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = O>>>
    where
        F: FnMut(Out<R>) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        Fused { recipe: self.recipe.then_fn(function) }
    }

    pub(super) fn into_recipe(self) -> R {
        self.recipe
    }
}

impl<E> std::fmt::Debug for Fuse<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fuse")
    }
}

impl<R> std::fmt::Debug for Fused<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fused").finish_non_exhaustive()
    }
}
