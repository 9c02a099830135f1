//! Several stages as one step, with no queue between them.

use std::marker::PhantomData;

use crate::error::BoxError;
use crate::stage::{MapEach, ProducerConsumer, Then};

/// The beginning of a step of several stages that takes events of type `E`; see
/// [`Chain::fused`](super::Chain::fused).
pub struct Fuse<E> {
    events: PhantomData<fn(E)>,
}

/// Stages that run as one.
#[must_use = "fused stages are returned to `fused`"]
pub struct Fused<R> {
    recipe: R,
}

/// What builds a stage, once per copy and again at each restart.
pub trait Recipe: Send + 'static {
    /// The stage.
    type Stage: ProducerConsumer;

    /// Builds one.
    ///
    /// # Errors
    ///
    /// Whatever the recipes of its parts fail with.
    fn build(&self) -> Result<Self::Stage, BoxError>;
}

/// A closure that builds a stage.
struct Made<S, F> {
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

fn made<S, F>(build: F) -> Fused<Made<S, F>>
where
    S: ProducerConsumer,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    Fused { recipe: Made { build, stage: PhantomData } }
}

/// What a recipe's stage takes, and what it emits.
type In<R> = <<R as Recipe>::Stage as ProducerConsumer>::In;
type Out<R> = <<R as Recipe>::Stage as ProducerConsumer>::Out;

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
        made(recipe)
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
        made(move || Ok(MapEach::new(function.clone())))
    }
}

// The types of the stages are not named: a mistake in one of them is reported there, and not again by
// everything that is made of it.
impl<R: Recipe> Fused<R> {
    /// Adds a stage that takes what the one before emits, at once.
    ///
    /// It keeps its hooks for subscriptions, its `init` and its `terminate`. It cannot be sent messages, nor
    /// schedule some, and it is not told of demand: a stage that does so is a step of its own.
    pub fn step<S, Q>(
        self,
        recipe: Q,
    ) -> Fused<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = S::Out>>>
    where
        S: ProducerConsumer<In = Out<R>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let first = self.recipe;
        made(move || Ok(Then::new(first.build()?, recipe()?)))
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
        let first = self.recipe;
        made(move || Ok(Then::new(first.build()?, MapEach::new(function.clone()))))
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
