//! Steps that run as one stage with the sink after them: the end of a pipeline.

use std::fmt;

use super::fuse::{Fuse, Fused, In, Out, Recipe, make};
use crate::base::error::BoxError;
use crate::stage::{Consumer, ForEach, Nothing, ProducerConsumer, Sinking, Then};

/// Steps and a sink that run as one.
#[must_use = "fused stages are returned to `finish_fused`"]
pub struct FusedSink<R> {
    recipe: R,
}

impl<E: Send + 'static> Fuse<E> {
    /// Declares a sink without steps before it.
    #[allow(clippy::unused_self, reason = "the signature matches the public `step`")]
    pub(super) fn finish<C, R>(
        self,
        recipe: R,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = E, Out = Nothing>>>
    where
        C: Consumer<Event = E>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        FusedSink { recipe: make(move || Ok(Sinking(recipe()?))) }
    }

    pub(super) fn finish_fn<F>(
        self,
        function: F,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = E, Out = Nothing>>>
    where
        F: FnMut(E) + Clone + Send + 'static,
    {
        self.finish(move || Ok(ForEach::new(function.clone())))
    }
}

impl<R: Recipe> Fused<R> {
    /// Ends with a sink, which takes the output of the stage before it, immediately.
    ///
    /// It keeps its `init` and its `terminate`, and is notified of the end of the input. It cannot receive or
    /// schedule messages, nor ask for events manually: a sink that does so must be a separate step.
    pub fn finish<C, Q>(
        self,
        recipe: Q,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Nothing>>>
    where
        C: Consumer<Event = Out<R>>,
        Q: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        let first = self.into_recipe();
        FusedSink { recipe: make(move || Ok(Then::new(first.build()?, Sinking(recipe()?)))) }
    }

    /// Ends with a function that is called with each event.
    pub fn finish_fn<F>(
        self,
        function: F,
    ) -> FusedSink<impl Recipe<Stage = impl ProducerConsumer<In = In<R>, Out = Nothing>>>
    where
        F: FnMut(Out<R>) + Clone + Send + 'static,
    {
        FusedSink { recipe: self.into_recipe().then_each(function) }
    }
}

impl<R> FusedSink<R> {
    pub(super) fn into_recipe(self) -> R {
        self.recipe
    }
}

impl<R> fmt::Debug for FusedSink<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedSink").finish_non_exhaustive()
    }
}
