//! A source that runs as one stage with the steps after it, and with the sink: the beginning of a pipeline,
//! or all of it.

use std::fmt;

use super::fuse::{Fuse, Fused, Out, Recipe};
use super::fuse_sink::FusedSink;
use crate::base::error::BoxError;
use crate::stage::{Consumer, FromIter, Nothing, Producer, ProducerConsumer, SourceThen};

/// A builder for a stage that contains its source; see
/// [`PipelineBuilder::fused`](super::PipelineBuilder::fused).
#[derive(Debug)]
pub struct FuseStart(());

/// A source to fuse with later steps.
#[must_use = "a source must be fused with the steps after it"]
pub struct FusedStart<P> {
    source: P,
}

/// A source and steps that run as one.
#[must_use = "fused stages are returned to `start_fused`"]
pub struct FusedSource<P, R> {
    source: P,
    rest: Fused<R>,
}

/// A source, steps and a sink that run as one.
#[must_use = "fused stages are returned to `fused`"]
pub struct FusedWhole<P, R> {
    source: P,
    rest: FusedSink<R>,
}

/// Builds a source, once per copy and again at each restart.
pub trait Origin: Send + 'static {
    /// The source.
    type Stage: Producer;

    /// Builds a source.
    ///
    /// # Errors
    ///
    /// Returns the error of the recipe.
    fn build(&self) -> Result<Self::Stage, BoxError>;
}

impl<S, F> Origin for F
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
pub(super) type Event<P> = <<P as Origin>::Stage as Producer>::Event;

impl FuseStart {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// Begins with a source.
    pub fn start<S, R>(self, recipe: R) -> FusedStart<impl Origin<Stage = impl Producer<Event = S::Event>>>
    where
        S: Producer,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedStart { source: recipe }
    }

    /// Begins with all items of an iterator.
    pub fn start_fn<I, R>(self, recipe: R) -> FusedStart<impl Origin<Stage = impl Producer<Event = I::Item>>>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Send + 'static,
        R: Fn() -> Result<I, BoxError> + Send + 'static,
    {
        FusedStart { source: move || Ok(FromIter::new(recipe()?)) }
    }
}

impl<P: Origin> FusedStart<P> {
    /// Adds a stage that takes the output of the source, immediately: see [`Fused::step`].
    pub fn step<S, R>(
        self,
        recipe: R,
    ) -> FusedSource<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = S::Out>>>
    where
        S: ProducerConsumer<In = Event<P>>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedSource { source: self.source, rest: Fuse::new().step(recipe) }
    }

    /// Adds a function of one event.
    pub fn step_fn<F, O>(
        self,
        function: F,
    ) -> FusedSource<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = O>>>
    where
        F: FnMut(Event<P>) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        FusedSource { source: self.source, rest: Fuse::new().step_fn(function) }
    }

    /// Ends with a sink: see [`Fused::finish`].
    pub fn finish<C, R>(
        self,
        recipe: R,
    ) -> FusedWhole<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = Nothing>>>
    where
        C: Consumer<Event = Event<P>>,
        R: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        FusedWhole { source: self.source, rest: Fuse::new().finish(recipe) }
    }

    /// Ends with a function that is called with each event.
    pub fn finish_fn<F>(
        self,
        function: F,
    ) -> FusedWhole<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = Nothing>>>
    where
        F: FnMut(Event<P>) + Clone + Send + 'static,
    {
        FusedWhole { source: self.source, rest: Fuse::new().finish_fn(function) }
    }
}

impl<P, R> FusedSource<P, R>
where
    P: Origin,
    R: Recipe<Stage: ProducerConsumer<In = Event<P>>>,
{
    /// Adds a stage that takes the output of the one before, immediately: see [`Fused::step`].
    pub fn step<S, Q>(
        self,
        recipe: Q,
    ) -> FusedSource<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = S::Out>>>
    where
        S: ProducerConsumer<In = Out<R>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedSource { source: self.source, rest: self.rest.step(recipe) }
    }

    /// Adds a function of one event.
    pub fn step_fn<F, O>(
        self,
        function: F,
    ) -> FusedSource<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = O>>>
    where
        F: FnMut(Out<R>) -> O + Clone + Send + 'static,
        O: Send + 'static,
    {
        FusedSource { source: self.source, rest: self.rest.step_fn(function) }
    }

    /// Ends with a sink: see [`Fused::finish`].
    pub fn finish<C, Q>(
        self,
        recipe: Q,
    ) -> FusedWhole<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = Nothing>>>
    where
        C: Consumer<Event = Out<R>>,
        Q: Fn() -> Result<C, BoxError> + Send + 'static,
    {
        FusedWhole { source: self.source, rest: self.rest.finish(recipe) }
    }

    /// Ends with a function that is called with each event.
    pub fn finish_fn<F>(
        self,
        function: F,
    ) -> FusedWhole<P, impl Recipe<Stage = impl ProducerConsumer<In = Event<P>, Out = Nothing>>>
    where
        F: FnMut(Out<R>) + Clone + Send + 'static,
    {
        FusedWhole { source: self.source, rest: self.rest.finish_fn(function) }
    }

    pub(super) fn into_recipe(self) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError> {
        together(self.source, self.rest.into_recipe())
    }
}

impl<P, R> FusedWhole<P, R>
where
    P: Origin,
    R: Recipe<Stage: ProducerConsumer<In = Event<P>>>,
{
    pub(super) fn into_recipe(self) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError> {
        together(self.source, self.rest.into_recipe())
    }
}

fn together<P, R>(source: P, rest: R) -> impl Fn() -> Result<SourceThen<P::Stage, R::Stage>, BoxError>
where
    P: Origin,
    R: Recipe<Stage: ProducerConsumer<In = Event<P>>>,
{
    move || Ok(SourceThen::new(source.build()?, rest.build()?))
}

impl<P> fmt::Debug for FusedStart<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedStart").finish_non_exhaustive()
    }
}

impl<P, R> fmt::Debug for FusedSource<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedSource").finish_non_exhaustive()
    }
}

impl<P, R> fmt::Debug for FusedWhole<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedWhole").finish_non_exhaustive()
    }
}
