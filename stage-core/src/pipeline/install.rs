//! Declares the steps of a chain, among them those that hand the state of their keys over.

use std::any::type_name;
use std::hash::Hash;

use super::chain::{Chain, emits};
use super::describe::StepKind;
use super::draft::Shape;
use super::graph::hand_over::Keeper;
use super::graph::parts::Parts;
use super::graph::wire::{Exit, Upstream};
use super::options::StepOptions;
use super::pipeline::Pipeline;
use crate::base::error::BoxError;
use crate::engine::{self, Run};
use crate::policy::Carry;
use crate::stage::{Consumer, HandOver, Nothing, ProducerConsumer};
use crate::sync::Arc;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step whose copies are fed by key, as [`by`](Self::by) does, and whose number of copies may change: its stage
    /// hands the state of its keys over.
    ///
    /// All copies leave when the number changes: each handles what it was sent and gives the state of its keys. Those that
    /// follow take it, so no event is lost and the events of a key are handled in order. Meanwhile the step handles
    /// nothing, for as long as its copies need for the events that they were sent.
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use stage_core::stage::HandOver;
    /// use stage_core::{Emitter, Events, Pipeline, ProducerConsumer, StageResult, StepOptions};
    ///
    /// /// Numbers the events of each key.
    /// #[derive(Default)]
    /// struct Number(HashMap<u64, u64>);
    ///
    /// impl ProducerConsumer for Number {
    ///     type In = u64;
    ///     type Out = (u64, u64);
    ///
    ///     async fn handle_events(
    ///         &mut self,
    ///         events: Events<'_, u64>,
    ///         out: &mut Emitter<'_, (u64, u64)>,
    ///     ) -> StageResult {
    ///         for event in events {
    ///             let number = self.0.entry(event % 10).or_default();
    ///             *number += 1;
    ///             out.emit((event % 10, *number));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// impl HandOver<u64> for Number {
    ///     type State = u64;
    ///
    ///     fn give(&mut self) -> Vec<(u64, u64)> {
    ///         self.0.drain().collect()
    ///     }
    ///
    ///     fn take(&mut self, key: u64, number: u64) {
    ///         self.0.insert(key, number);
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Pipeline::builder("numbered")
    ///     .start_fn("events", || Ok(0..1_000_u64))
    ///     .step_keyed(StepOptions::named("number").count(1..=4), |event| event % 10, || Ok(Number::default()))
    ///     .finish_fn("check", |(_, number)| assert!(number <= 100))
    ///     .start()
    ///     .await?;
    /// running.set_count("number", 3)?;
    /// let report = running.join().await?;
    /// assert!(report.stages.iter().all(|stage| stage.discarded == 0 && stage.restarts == 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_keyed<K, F, S, U, R>(self, options: impl Into<StepOptions>, key: F, recipe: R) -> Chain<U, C>
    where
        K: Hash + Send + 'static,
        F: Fn(&T) -> K + Send + Sync + 'static,
        S: ProducerConsumer<In = C::Of<T>, Out = C::Of<U>> + HandOver<K>,
        U: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let mut chain = self.by(key);
        let recipe = move || {
            let mut stage = recipe()?;
            stage.let_go_by(C::let_go::<T>());
            Ok(stage)
        };
        let shape = Shape {
            emits: emits::<S>(),
            hands_over: true,
            asks_by_itself: S::ASKS_BY_ITSELF,
            ..Shape::of(StepKind::ProducerConsumer, type_name::<S>())
        };
        let keeper = Keeper::new::<S, K>(chain.upstream.lanes);
        let run: Run<S, C::Of<U>> = engine::run_producer_consumer;
        let exit = chain.install_with(&options.into(), shape, recipe, run, Some(keeper));
        Chain { draft: chain.draft, upstream: Upstream::of(exit) }
    }

    /// Adds the last step, whose copies are fed by key and hand the state of their keys over, as those of
    /// [`step_keyed`](Self::step_keyed).
    ///
    /// ```
    /// use stage_core::stage::HandOver;
    /// use stage_core::{Consumer, Context, Events, Pipeline, StageResult, StepOptions};
    ///
    /// struct Store;
    ///
    /// impl Consumer for Store {
    ///     type Event = u64;
    ///
    ///     async fn handle_events(&mut self, _: Events<'_, u64>, _: &mut Context<'_>) -> StageResult {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// impl HandOver<u64> for Store {
    ///     type State = ();
    ///
    ///     fn give(&mut self) -> Vec<(u64, ())> {
    ///         Vec::new()
    ///     }
    ///
    ///     fn take(&mut self, _: u64, (): ()) {}
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let running = Pipeline::builder("store")
    ///     .start_fn("events", || Ok(0..1_000_u64))
    ///     .finish_keyed(StepOptions::named("store").count(1..=4), |event| event % 10, || Ok(Store))
    ///     .start()
    ///     .await?;
    /// running.set_count("store", 3)?;
    /// let report = running.join().await?;
    /// assert_eq!(report.stages.iter().skip(1).map(|copy| copy.events_in).sum::<u64>(), 1_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish_keyed<K, F, S, R>(self, options: impl Into<StepOptions>, key: F, recipe: R) -> Pipeline
    where
        K: Hash + Send + 'static,
        F: Fn(&T) -> K + Send + Sync + 'static,
        S: Consumer<Event = C::Of<T>> + HandOver<K>,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let mut chain = self.by(key);
        let asks_by_itself = S::ASKS_BY_ITSELF;
        let shape =
            Shape { hands_over: true, asks_by_itself, ..Shape::of(StepKind::Consumer, type_name::<S>()) };
        let keeper = Keeper::new::<S, K>(chain.upstream.lanes);
        let run: Run<S, Nothing> = engine::run_consumer;
        chain.install_with(&options.into(), shape, recipe, run, Some(keeper));
        Pipeline { draft: chain.draft }
    }

    /// Declares a step that takes the chain's events.
    pub(super) fn install<S, Out, R>(
        &mut self,
        options: &StepOptions,
        shape: Shape,
        recipe: R,
        run: Run<S, Out>,
    ) -> Arc<Exit<Out>>
    where
        S: Send + 'static,
        Out: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        self.install_with(options, shape, recipe, run, None)
    }

    /// Like [`install`](Self::install), for a step whose copies hand the state of their keys over to `keeper`.
    fn install_with<S, Out, R>(
        &mut self,
        options: &StepOptions,
        shape: Shape,
        recipe: R,
        run: Run<S, Out>,
        keeper: Option<Arc<Keeper>>,
    ) -> Arc<Exit<Out>>
    where
        S: Send + 'static,
        Out: Send + 'static,
        R: Fn() -> Result<S, BoxError> + Send + 'static,
    {
        let mut upstream = std::mem::replace(&mut self.upstream, Upstream::none());
        let shape = Shape { keyed: upstream.is_keyed(), ..shape };
        let exit = Exit::new(self.draft.next(), upstream.lanes);
        let count = Arc::default();
        upstream.follow(&count);
        let links = upstream.links();
        let parts = Parts { recipe, upstream, count, exit: Arc::clone(&exit), run, keeper };
        let install =
            Box::new(move |options: &_, trace: &_, children: &mut _| parts.install(options, trace, children));
        self.draft.plan(options, shape, &links, install);
        exit
    }
}
