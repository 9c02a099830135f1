//! Several stages as one step, with no queue between them.

use std::marker::PhantomData;

use crate::error::BoxError;
use crate::stage::{MapEach, ProducerConsumer, Then};

/// The beginning of a step of several stages that takes events of type `E`; see [`Chain::fused`](super::Chain::fused).
pub struct Fuse<E> {
    events: PhantomData<fn(E)>,
}

/// Stages that run as one: the recipe of a stage `S`.
#[must_use = "fused stages are returned to `fused`"]
pub struct Fused<S, R> {
    recipe: R,
    stage: PhantomData<fn() -> S>,
}

impl<E: Send + 'static> Fuse<E> {
    pub(super) fn new() -> Self {
        Self { events: PhantomData }
    }

    /// Begins with a stage.
    pub fn step<S, R>(self, recipe: R) -> Fused<S, R>
    where
        S: ProducerConsumer<In = E>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        Fused::new(recipe)
    }

    /// Begins with a function of one event.
    pub fn step_fn<F, Out>(self, function: F) -> Fused<MapEach<F, E, Out>, impl Recipe<MapEach<F, E, Out>>>
    where
        F: FnMut(E) -> Out + Clone + Send + 'static,
        Out: Send + 'static,
    {
        Fused::new(move || Ok(MapEach::new(function.clone())))
    }
}

impl<S: ProducerConsumer, R: Recipe<S>> Fused<S, R> {
    fn new(recipe: R) -> Self {
        Self { recipe, stage: PhantomData }
    }

    /// Adds a stage that takes what the one before emits, at once.
    ///
    /// It keeps its hooks for subscriptions, its `init` and its `terminate`. It cannot be sent messages, nor
    /// schedule some, and it is not told of demand: a stage that does so is a step of its own.
    pub fn step<T, Q>(self, recipe: Q) -> Fused<Then<S, T>, impl Recipe<Then<S, T>>>
    where
        T: ProducerConsumer<In = S::Out>,
        Q: Fn() -> Result<T, BoxError> + Send + 'static,
    {
        let first = self.recipe;
        Fused::new(move || Ok(Then::new(first()?, recipe()?)))
    }

    /// Adds a function of one event.
    #[allow(clippy::type_complexity, reason = "the type says which stages were fused")]
    pub fn step_fn<F, Out>(
        self,
        function: F,
    ) -> Fused<Then<S, MapEach<F, S::Out, Out>>, impl Recipe<Then<S, MapEach<F, S::Out, Out>>>>
    where
        F: FnMut(S::Out) -> Out + Clone + Send + 'static,
        Out: Send + 'static,
    {
        self.step(move || Ok(MapEach::new(function.clone())))
    }

    pub(super) fn into_recipe(self) -> R {
        self.recipe
    }
}

/// What builds a stage, once per copy and again at each restart.
pub trait Recipe<S>: Fn() -> Result<S, BoxError> + Send + 'static {}

impl<S, R: Fn() -> Result<S, BoxError> + Send + 'static> Recipe<S> for R {}

impl<E> std::fmt::Debug for Fuse<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fuse")
    }
}

impl<S, R> std::fmt::Debug for Fused<S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fused").field("stage", &std::any::type_name::<S>()).finish_non_exhaustive()
    }
}
