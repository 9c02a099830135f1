//! A declaration in progress: each step takes the output of the step before, checked by the compiler.

use std::any::{TypeId, type_name};
use std::hash::Hash;
use std::sync::OnceLock;

use super::describe::StepKind;
use super::describe::carried::Emits;
use super::draft::{Draft, Shape};
use super::fuse::{Begin, Event, Fuse, FusedSink, Input, Recipe, Source, SourceRecipe};
use super::graph::route::{Dealing, by_key, hashed};
use super::graph::wire::{Sharing, Upstream};
use super::no_output::NoOutput;
use super::options::StepOptions;
use super::pipeline::Pipeline;
use super::sources::{fused_source, source};
use crate::base::error::BoxError;
use crate::base::option_error::OptionError;
use crate::dispatch::{AnyDispatcher, Dispatcher};
use crate::engine::{self, Rejections, Run};
use crate::policy::{Carry, Plain};
use crate::stage::{Consumer, Ending, FromIter, MapEach, Nothing, Producer, ProducerConsumer};
use crate::sync::Arc;

/// A declaration in progress whose last step so far emits events of type `T`. The carrier `C` is
/// [`Plain`] or [`Acknowledged`](super::Acknowledged): events travel as plain values or as deliveries.
/// Functions take and return events with either carrier; the stages of an
/// [acknowledged](Self::acknowledged) chain take and emit deliveries.
#[must_use = "a pipeline ends with its finish step"]
pub struct Chain<T: Send + 'static, C: Carry = Plain> {
    pub(super) draft: Draft,
    pub(super) upstream: Upstream<C::Of<T>>,
}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds another source of the same events: the next step takes the output of all sources, in no
    /// particular order between them. The pipeline ends when all of them have ended.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("both")
    ///     .start_fn("small", || Ok(0..10))
    ///     .and_start_fn("large", || Ok(1000..1010))
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn and_start<S, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Self
    where
        S: Producer<Event = C::Of<T>>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        if self.upstream.lanes > 1 {
            self.misplaced("a source in the lanes of a partition: declare it before the partition");
        }
        let source = source(&mut self.draft, &options.into(), recipe);
        self.upstream.ends.extend(source.ends);
        self
    }

    /// Like [`and_start`](Self::and_start), for all items of an iterator.
    pub fn and_start_fn<I, R>(self, options: impl Into<StepOptions>, recipe: R) -> Self
    where
        I: IntoIterator<Item = C::Of<T>>,
        I::IntoIter: Send + 'static,
        R: Fn() -> Result<I, BoxError> + Send + 'static,
    {
        self.and_start(options, move || Ok(FromIter::new(recipe()?)))
    }

    /// Like [`and_start`](Self::and_start), with steps that run as one stage with the source: see
    /// [`PipelineBuilder::start_fused`](super::PipelineBuilder::start_fused).
    pub fn and_start_fused<P, R>(
        mut self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(Fuse<Source<()>>) -> Fuse<Source<P>, R>,
    ) -> Self
    where
        P: SourceRecipe,
        R: Recipe<Carry = Plain, In = Event<P>, Event = C::Of<T>>,
    {
        if self.upstream.lanes > 1 {
            self.misplaced("a source in the lanes of a partition: declare it before the partition");
        }
        let source = fused_source(&mut self.draft, &options.into(), stages(Fuse::source()));
        self.upstream.ends.extend(source.ends);
        self
    }

    /// Sets the options of every step declared from here on that does not set them itself; options that
    /// `defaults` does not set keep their current defaults. A name in it is ignored. Within a branch or a
    /// [segment](Self::through), the defaults apply until its end.
    pub fn defaults(mut self, defaults: &StepOptions) -> Self {
        self.draft.defaults = defaults.or(&self.draft.defaults);
        self
    }

    /// Feeds the copies of the next step by key: events with equal keys go to the same copy, in order.
    ///
    /// In an acknowledged chain, functions of the next step skip an event whose delivery is rejected already, since the
    /// whole delivery comes again: no event of a key is handled behind one of its delivery that failed.
    ///
    /// The hash of a key is the same on every run.
    pub fn by<K, F>(mut self, key: F) -> Self
    where
        K: Hash,
        F: Fn(&T) -> K + Send + Sync + 'static,
    {
        if self.upstream.route.is_some() {
            self.misplaced("`by` after another `by` or a `dispatcher`: only one can feed the next step");
        }
        let key = move |carried: &C::Of<T>| key(C::peek(carried));
        let (key, dealing) = (hashed(self.upstream.lanes, key), Dealing::default());
        self.upstream.route = Some((Sharing::ByKey, by_key(Arc::clone(&key), Arc::clone(&dealing))));
        (self.upstream.key, self.upstream.dealing) = (Some(key), dealing);
        self
    }

    /// Lets custom dispatchers decide which copy of the next step gets which events; each copy of the current
    /// step has one dispatcher, of deliveries in an acknowledged chain. Default:
    /// [`DemandDispatcher`](crate::dispatch::DemandDispatcher).
    ///
    /// ```
    /// # use stage_core::{Pipeline, StepOptions, dispatch::FairDispatcher};
    /// let pipeline = Pipeline::builder("fair")
    ///     .start_fn("numbers", || Ok(0..10))
    ///     .dispatcher(FairDispatcher::new)
    ///     .finish_fn(StepOptions::named("print").count(4), |number| println!("{number}"));
    /// assert_eq!(pipeline.topology().subscriptions(), 4);
    /// ```
    pub fn dispatcher<D>(mut self, dispatcher: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: Dispatcher<C::Of<T>> + 'static,
    {
        if self.upstream.route.is_some() {
            self.misplaced("`dispatcher` after another or a `by`: only one can feed the next step");
        }
        self.upstream.route =
            Some((Sharing::ByDispatcher, Arc::new(move |_| AnyDispatcher::new(dispatcher()))));
        self
    }

    /// Passes to `to` the events that the current step emitted and no stage handled before it ended: at a
    /// stop, at the deadline of a drain, after a failure, or when the later steps wanted no more. Each copy
    /// calls `to` at its end if it has such events. They still count as discarded and in
    /// [`Report::rejected`](crate::Report::rejected). Not included are events that a source [takes
    /// back](Producer::take_back), as a [queue](crate::source::queue) does, and the batch that a stage was
    /// handling when it failed or was aborted. An acknowledged chain passes deliveries, which are rejected as
    /// untried if `to` drops them.
    ///
    /// After several sources, or a `merge`, it applies to all of them; if it is called several times, the
    /// last call wins.
    ///
    /// ```
    /// # use std::sync::mpsc;
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let (rejected, unhandled) = mpsc::channel();
    /// let pipeline = Pipeline::builder("stopped")
    ///     .start_fn("numbers", || Ok(0_u64..))
    ///     .step_fn("double", |number| number * 2)
    ///     .rejected(move |numbers: Vec<u64>| rejected.send(numbers).expect("the receiver is alive"))
    ///     .finish("print", || Ok(stage_core::stage::ForEach::new(|_number| ())));
    /// let report = pipeline.start().await?.stop().await?;
    /// let unhandled: u64 = unhandled.iter().map(|numbers| numbers.len() as u64).sum();
    /// let counted = report.rejected.iter().find(|rejected| rejected.stage == "double/0");
    /// assert_eq!(unhandled, counted.map_or(0, |rejected| rejected.events));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// A panic of `to` is logged; the events passed to it are lost.
    pub fn rejected(self, to: impl Fn(Vec<C::Of<T>>) + Send + Sync + 'static) -> Self {
        self.upstream.reject(&Rejections::new(to));
        self
    }

    /// Adds a step that takes the output of the step before: deliveries, in an acknowledged chain.
    pub fn step<S, U, R>(self, options: impl Into<StepOptions>, recipe: R) -> Chain<U, C>
    where
        S: ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.step_emitting(&options.into(), emits::<S>(), recipe)
    }

    /// Like [`step`](Self::step), for a step that emits batches of at most `events` events.
    pub(crate) fn step_in_batches<S, U, R>(
        self,
        options: &StepOptions,
        events: usize,
        recipe: R,
    ) -> Chain<U, C>
    where
        S: ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.step_emitting(options, Emits::Batches(Some(events)), recipe)
    }

    /// Like [`step`](Self::step), for a step whose output unit is `emits`.
    fn step_emitting<S, U, R>(mut self, options: &StepOptions, emits: Emits, recipe: R) -> Chain<U, C>
    where
        S: ProducerConsumer<In = C::Of<T>, Out = C::Of<U>>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let recipe = move || {
            let mut stage = recipe()?;
            stage.let_go_by(C::let_go::<T>());
            Ok(stage)
        };
        let asks_by_itself = S::ASKS_BY_ITSELF;
        let shape =
            Shape { emits, asks_by_itself, ..Shape::of(StepKind::ProducerConsumer, type_name::<S>()) };
        let exit = self.install(options, shape, recipe, engine::run_producer_consumer);
        Chain { draft: self.draft, upstream: Upstream::of(exit) }
    }

    /// Adds a step that turns each event into one other event. Every copy has a clone of the function. If it
    /// panics in an acknowledged chain, the current event is rejected, and the rest of the batch returns to
    /// the producer untried.
    pub fn step_fn<F, U>(self, options: impl Into<StepOptions>, function: F) -> Chain<U, C>
    where
        F: FnMut(T) -> U + Clone + Send + 'static,
        U: Send + 'static,
    {
        if C::ACKNOWLEDGED && self.upstream.is_keyed() {
            return self.step_fn_keyed(options, function);
        }
        self.step(options, move || {
            let mut function = function.clone();
            Ok(MapEach::new(move |carried: C::Of<T>| C::map(carried, &mut function)))
        })
    }

    /// Adds a step of several stages that run as one without queues between them; each takes the output of
    /// the one before. Consecutive functions form one loop: an event passes through all of them before the
    /// next one does.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("fused")
    ///     .start_fn("numbers", || Ok(1..=3_u32))
    ///     .fused("format", |stage| stage.step_fn(|number| number * 2).step_fn(|number| number.to_string()))
    ///     .finish_fn("check", |text: String| assert!(["2", "4", "6"].contains(&&*text)));
    /// assert_eq!(pipeline.topology().stages(), 3);
    /// pipeline.start().await?.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fused<R>(
        self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(Fuse<Input, Begin<T, C>>) -> Fuse<Input, R>,
    ) -> Chain<R::Event, C>
    where
        R: Recipe<Carry = C, In = C::Of<T>>,
    {
        let recipe = stages(Fuse::input()).into_recipe();
        self.step(options, move || recipe.build())
    }

    /// Adds the last step. In an acknowledged chain, it acknowledges or rejects the deliveries that it takes.
    pub fn finish<S, R>(mut self, options: impl Into<StepOptions>, recipe: R) -> Pipeline
    where
        S: Consumer<Event = C::Of<T>>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let run: Run<S, Nothing> = engine::run_consumer;
        let asks_by_itself = S::ASKS_BY_ITSELF;
        let shape = Shape { asks_by_itself, ..Shape::of(StepKind::Consumer, type_name::<S>()) };
        self.install(&options.into(), shape, recipe, run);
        Pipeline { draft: self.draft }
    }

    /// Adds the last step: calls a function with each event. Every copy has a clone of the function. An
    /// acknowledged chain acknowledges an event when the function has returned, in groups of up to 64 events
    /// of a batch.
    pub fn finish_fn<F, R>(self, options: impl Into<StepOptions>, mut function: F) -> Pipeline
    where
        F: FnMut(T) -> R + Clone + Send + 'static,
        R: NoOutput,
    {
        let function = move |event| {
            function(event);
        };
        let keyed = self.upstream.is_keyed();
        self.finish(options, move || Ok(C::each(function.clone(), keyed)))
    }

    /// Adds the last step, made of several stages that run as one: steps and a sink without queues between
    /// them; each takes the output of the one before.
    ///
    /// ```
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("checked")
    ///     .start_fn("numbers", || Ok(1..=3_u32))
    ///     .finish_fused("check", |stage| {
    ///         stage.step_fn(|number| number * 2).finish_fn(|number| assert!([2, 4, 6].contains(&number)))
    ///     });
    /// assert_eq!(pipeline.topology().stages(), 2);
    /// pipeline.start().await?.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish_fused<R>(
        self,
        options: impl Into<StepOptions>,
        stages: impl FnOnce(Fuse<Input, Begin<T, C>>) -> FusedSink<Input, R>,
    ) -> Pipeline
    where
        R: Recipe<Carry = Plain, In = C::Of<T>, Event = Nothing>,
    {
        let recipe = stages(Fuse::input()).into_recipe();
        self.finish(options, move || Ok(Ending::new(recipe.build()?)))
    }

    /// Returns the plain chain of the carried values.
    pub(super) fn into_carried(self) -> Chain<C::Of<T>> {
        Chain { draft: self.draft, upstream: self.upstream }
    }

    /// Returns the chain whose carried values are the events of `chain`.
    pub(super) fn from_carried(chain: Chain<C::Of<T>>) -> Self {
        Self { draft: chain.draft, upstream: chain.upstream }
    }

    /// Records that a declaration has no meaning in this position.
    pub(super) fn misplaced(&mut self, what: &'static str) {
        let step = self.draft.names(&self.upstream);
        self.draft.errors.push(OptionError::Misplaced { step, what });
    }
}

/// Returns the unit that a stage emits.
pub(super) fn emits<S: ProducerConsumer>() -> Emits {
    if S::BATCHES {
        Emits::Batches(None)
    } else if TypeId::of::<S::In>() == TypeId::of::<S::Out>() {
        Emits::Same
    } else {
        Emits::Events
    }
}

impl<E: Send + 'static> Chain<E> {
    /// Returns a pipeline without a last step, and a function that returns the sources to subscribe to
    /// instead, once the pipeline has started.
    pub(crate) fn into_open(self) -> (Pipeline, impl FnOnce() -> Vec<engine::Source> + Send + 'static) {
        let Self { draft, mut upstream } = self;
        let count = Arc::new(OnceLock::from(1));
        upstream.follow(&count);
        (Pipeline { draft }, move || upstream.sources(0, 1))
    }
}

impl<T: Send + 'static, C: Carry> std::fmt::Debug for Chain<T, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("topology", &self.draft.topology).finish_non_exhaustive()
    }
}
