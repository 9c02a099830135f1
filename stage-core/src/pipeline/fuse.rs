//! Several stages as one step, without queues between them.

mod recipe;
mod source;

use std::fmt;

pub(super) use recipe::{Begin, Recipe};
use recipe::{Of, Out};
pub(super) use source::{Event, Source, SourceRecipe};

use super::no_output::NoOutput;
use crate::base::error::BoxError;
use crate::policy::{Carry, Plain};
use crate::stage::{Consumer, Nothing, ProducerConsumer};

/// Stages that run as one. `Head` is `Input` for a step that takes the output of the step before, or the
/// `Source` that the stages contain; `R` is the recipe of the stages after it. See
/// [`Chain::fused`](super::Chain::fused).
///
/// ```
/// use stage_core::Pipeline;
/// use stage_core::stage::{ForEach, MapEach};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("words")
///     .start_fn("lines", || Ok(["one two", "", "three"]))
///     .fused("words", |stage| {
///         stage
///             .step_filter(|line| !line.is_empty())
///             .step_many(|line| line.split_whitespace())
///             .step_some(|word| word.strip_prefix('t'))
///             .step_fn(str::len)
///     })
///     .finish_fused("print", |stage| {
///         stage
///             .step(|| Ok(MapEach::new(|length: usize| length + 1)))
///             .finish(|| Ok(ForEach::new(|length: usize| println!("{length}"))))
///     });
/// let report = pipeline.start().await?.join().await?;
/// assert_eq!((report.stages[1].events_out, report.stages[2].events_in), (2, 2));
/// # Ok(())
/// # }
/// ```
#[must_use = "fused stages are returned to the method that asked for them"]
pub struct Fuse<Head, R = ()> {
    head: Head,
    recipe: R,
}

/// Stages that run as one and end in a sink. See [`Chain::finish_fused`](super::Chain::finish_fused).
///
/// ```
/// use stage_core::Pipeline;
///
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(1..=3_u32))
///     .finish_fused("print", |stage| stage.step_fn(|number| number * 2).finish_fn(|number| println!("{number}")));
/// assert_eq!(pipeline.topology().stages(), 2);
/// ```
#[must_use = "fused stages are returned to the method that asked for them"]
pub struct FusedSink<Head, R> {
    head: Head,
    recipe: R,
}

/// The head of stages that take the output of the step before.
#[derive(Debug)]
pub struct Input(());

impl<T: Send + 'static, C: Carry> Fuse<Input, Begin<T, C>> {
    pub(super) fn input() -> Self {
        Self { head: Input(()), recipe: Begin::new() }
    }
}

// The stage types stay opaque, so that the compiler reports a mistake in a stage there, and not again in
// everything built from it.
impl<Head, R: Recipe> Fuse<Head, R> {
    /// Adds a stage that takes the output of the one before, immediately. In an acknowledged chain, it takes
    /// and emits deliveries.
    ///
    /// It keeps its hooks for subscriptions, its `init` and its `terminate`. It cannot receive or schedule
    /// messages, and it is not notified of demand: a stage that needs this must be a separate step.
    pub fn step<S, U, Q>(self, recipe: Q) -> Fuse<Head, impl Recipe<Carry = R::Carry, In = R::In, Event = U>>
    where
        S: ProducerConsumer<In = Out<R>, Out = Of<R, U>>,
        U: Send + 'static,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let recipe = move || {
            let mut stage = recipe()?;
            stage.let_go_by(R::Carry::let_go::<R::Event>());
            Ok(stage)
        };
        Fuse { head: self.head, recipe: self.recipe.then(recipe) }
    }

    /// Adds a function of one event.
    pub fn step_fn<F, U>(
        self,
        function: F,
    ) -> Fuse<Head, impl Recipe<Carry = R::Carry, In = R::In, Event = U>>
    where
        F: FnMut(R::Event) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        Fuse { head: self.head, recipe: self.recipe.then_fn(function) }
    }

    /// Ends with a sink, which takes the output of the stage before it, immediately. In an acknowledged chain,
    /// it acknowledges or rejects the deliveries that it takes.
    ///
    /// It keeps its `init` and its `terminate`, and is notified of the end of the input. It cannot receive or
    /// schedule messages, nor ask for events manually: a sink that does so must be a separate step.
    pub fn finish<S, Q>(
        self,
        recipe: Q,
    ) -> FusedSink<Head, impl Recipe<Carry = Plain, In = R::In, Event = Nothing>>
    where
        S: Consumer<Event = Out<R>>,
        Q: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        FusedSink { head: self.head, recipe: self.recipe.then_sink(recipe) }
    }

    /// Ends with a function that is called with each event; in an acknowledged chain, the event is
    /// acknowledged when the function has returned.
    pub fn finish_fn<F, U>(
        self,
        mut function: F,
    ) -> FusedSink<Head, impl Recipe<Carry = Plain, In = R::In, Event = Nothing>>
    where
        F: FnMut(R::Event) -> U + Clone + Send + 'static,
        U: NoOutput,
    {
        let function = move |event| {
            function(event);
        };
        FusedSink { head: self.head, recipe: self.recipe.then_each(function) }
    }
}

impl<R> Fuse<Input, R> {
    pub(super) fn into_recipe(self) -> R {
        self.recipe
    }
}

impl<R> FusedSink<Input, R> {
    pub(super) fn into_recipe(self) -> R {
        self.recipe
    }
}

impl<Head, R> fmt::Debug for Fuse<Head, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fuse").finish_non_exhaustive()
    }
}

impl<Head, R> fmt::Debug for FusedSink<Head, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FusedSink").finish_non_exhaustive()
    }
}

impl<T, C> fmt::Debug for Begin<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begin")
    }
}
