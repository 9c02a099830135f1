//! Declares the steps that take no input from other steps: sources, alone or fused with the steps after them.

use std::any::type_name;

use super::describe::StepKind;
use super::draft::{Draft, Shape};
use super::fuse::{Event, Fuse, FusedSink, Recipe, Source, SourceRecipe};
use super::graph::parts::Parts;
use super::graph::wire::{Exit, Upstream};
use super::options::StepOptions;
use crate::base::error::BoxError;
use crate::base::options::Capacity;
use crate::engine::{self, PRODUCER_BUFFER, Run};
use crate::policy::Plain;
use crate::stage::{Nothing, Producer};
use crate::sync::Arc;

/// Declares a source.
pub(super) fn source<S, R>(draft: &mut Draft, options: &StepOptions, recipe: R) -> Upstream<S::Event>
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let shape = shape::<S>(StepKind::Producer, PRODUCER_BUFFER);
    begin(draft, options, shape, recipe, engine::run_producer)
}

/// Declares the source behind an edge.
pub(super) fn edge_source<S, R>(draft: &mut Draft, options: &StepOptions, recipe: R) -> Upstream<S::Event>
where
    S: Producer,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let shape = Shape { edge: true, ..shape::<S>(StepKind::Producer, PRODUCER_BUFFER) };
    begin(draft, options, shape, recipe, engine::run_producer)
}

/// Declares a source with its fused steps.
pub(super) fn fused_source<P, R>(
    draft: &mut Draft,
    options: &StepOptions,
    stages: Fuse<Source<P>, R>,
) -> Upstream<R::Event>
where
    P: SourceRecipe,
    R: Recipe<Carry = Plain, In = Event<P>>,
{
    // The buffer is unbounded, so that the output of the steps is not lost for lack of space.
    let shape = shape::<P::Stage>(StepKind::Producer, Capacity::Unbounded);
    begin(draft, options, shape, stages.into_recipe(), engine::run_fused_source)
}

/// Declares a whole pipeline in one stage.
pub(super) fn whole<P, R>(draft: &mut Draft, options: &StepOptions, stages: FusedSink<Source<P>, R>)
where
    P: SourceRecipe,
    R: Recipe<Carry = Plain, In = Event<P>, Event = Nothing>,
{
    let shape = shape::<P::Stage>(StepKind::Whole, Capacity::Unbounded);
    begin(draft, options, shape, stages.into_recipe(), engine::run_fused_pipeline);
}

fn shape<S: Producer>(kind: StepKind, capacity: Capacity) -> Shape {
    Shape { single: S::SINGLE, capacity, ..Shape::of(kind, type_name::<S>()) }
}

/// Declares a step without input from other steps.
fn begin<S, Out, R>(
    draft: &mut Draft,
    options: &StepOptions,
    shape: Shape,
    recipe: R,
    run: Run<S, Out>,
) -> Upstream<Out>
where
    S: Send + 'static,
    Out: Send + 'static,
    R: Fn() -> Result<S, BoxError> + Send + 'static,
{
    let exit = Exit::new(draft.next(), 1);
    let upstream = Upstream::<Nothing>::none();
    let links = upstream.links();
    let parts = Parts { recipe, upstream, count: Arc::default(), exit: Arc::clone(&exit), run, keeper: None };
    let install =
        Box::new(move |options: &_, trace: &_, children: &mut _| parts.install(options, trace, children));
    draft.plan(options, shape, &links, install);
    Upstream::of(exit)
}
