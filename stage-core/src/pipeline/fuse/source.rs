//! A source that runs as one stage with the steps after it, and with the sink: the beginning of a pipeline,
//! or all of it.

use std::fmt;

use super::recipe::{Begin, Recipe};
use super::{Fuse, FusedSink};
use crate::base::error::BoxError;
use crate::policy::Plain;
use crate::stage::{FromIter, Producer, SourceThen};

/// The head of stages that contain their source, which `P` builds; `()` before it is declared. See
/// [`PipelineBuilder::fused`](super::super::PipelineBuilder::fused).
pub struct Source<P>(P);

/// Builds a source, once per copy and again at each restart.
pub trait SourceRecipe: Send + 'static {
    /// The source.
    type Stage: Producer;

    /// Builds a source.
    ///
    /// # Errors
    ///
    /// Returns the error of the recipe.
    fn build(&self) -> Result<Self::Stage, BoxError>;
}

impl<S, F> SourceRecipe for F
where
    S: Producer,
    F: Fn() -> Result<S, BoxError> + Send + 'static,
{
    type Stage = S;

    fn build(&self) -> Result<S, BoxError> {
        self()
    }
}

/// The type of events that the source of a recipe emits.
pub(in super::super) type Event<P> = <<P as SourceRecipe>::Stage as Producer>::Event;

impl Fuse<Source<()>> {
    pub(in super::super) fn source() -> Self {
        Self { head: Source(()), recipe: () }
    }

    /// Begins with a source.
    pub fn start<S, R>(
        self,
        recipe: R,
    ) -> Fuse<Source<impl SourceRecipe<Stage = impl Producer<Event = S::Event>>>, Begin<S::Event>>
    where
        S: Producer,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        Fuse { head: Source(recipe), recipe: Begin::new() }
    }

    /// Begins with all items of an iterator.
    pub fn start_fn<I, R>(
        self,
        recipe: R,
    ) -> Fuse<Source<impl SourceRecipe<Stage = impl Producer<Event = I::Item>>>, Begin<I::Item>>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        R: Fn() -> Result<I, BoxError> + Send + 'static,
    {
        Fuse { head: Source(move || Ok(FromIter::new(recipe()?))), recipe: Begin::new() }
    }
}

impl<P, R> Fuse<Source<P>, R>
where
    P: SourceRecipe,
    R: Recipe<Carry = Plain, In = Event<P>>,
{
    pub(in super::super) fn into_recipe(
        self,
    ) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError> + Send + 'static {
        together(self.head, self.recipe)
    }
}

impl<P, R> FusedSink<Source<P>, R>
where
    P: SourceRecipe,
    R: Recipe<Carry = Plain, In = Event<P>>,
{
    pub(in super::super) fn into_recipe(
        self,
    ) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError> + Send + 'static {
        together(self.head, self.recipe)
    }
}

fn together<P, R>(
    Source(source): Source<P>,
    rest: R,
) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError> + Send + 'static
where
    P: SourceRecipe,
    R: Recipe<In = Event<P>>,
{
    move || Ok(SourceThen::new(source.build()?, rest.build()?))
}

impl<P> fmt::Debug for Source<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}
