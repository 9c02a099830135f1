//! The stages of one run of a flow: starts them, wires them, and ends them.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::dispatch::Dispatcher;
use stage_core::spawn::{DemandMode, SpawnError, StageOptions};
use stage_core::stage::Pace;
use stage_core::stats::StageStats;
use stage_core::subscribe::{SubscribeError, Subscription};
use stage_core::watch::GroupBuilder;
use stage_core::{ExitReason, ProducerRef, StageRef, SubscribeOptions};

use super::{Layer, NodeOf, Outline, Place};
use crate::error::{FirstError, FlowError};
use crate::exec::{Ends, Readers};
use crate::sync::lock;
use crate::time::Gauges;

/// Default time limit for one stage to subscribe to another.
pub(crate) const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates a dispatcher for each stage of a layer, and again at a restart.
pub(crate) type MakeDispatcher<E> = Arc<dyn Fn() -> Box<dyn Dispatcher<E>> + Send + Sync>;

/// How the stages of a layer dispatch their events.
pub struct Exit<E> {
    /// The number of stages that subscribe to each stage of the layer.
    pub(crate) consumers: usize,
    pub(crate) readers: Readers,
    /// Creates the dispatcher of a stage; `None` dispatches by demand.
    pub(crate) dispatcher: Option<MakeDispatcher<E>>,
}

impl<E> Clone for Exit<E> {
    fn clone(&self) -> Self {
        let Self { consumers, readers, .. } = *self;
        Self { consumers, readers, dispatcher: self.dispatcher.clone() }
    }
}

impl<E> fmt::Debug for Exit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exit").field("consumers", &self.consumers).finish_non_exhaustive()
    }
}

impl<E: Send + 'static> Exit<E> {
    /// Dispatches by demand to `consumers` subscribers.
    pub(crate) fn as_asked(consumers: usize, readers: Readers) -> Self {
        Self { consumers, readers, dispatcher: None }
    }
}

/// A started stage of any kind.
pub(crate) trait RunningStage: Send + Sync {
    fn ended(&self) -> BoxFuture<'static, (String, ExitReason)>;
    fn release(&self);
    fn stop(&self);
    fn abort(&self);
    fn stats(&self) -> StageStats;
    /// Adds the stage to those that are watched together.
    fn watched_in(&self, group: GroupBuilder) -> GroupBuilder;
}

impl<S: Send + 'static, In: Send + 'static, Out: Send + 'static> RunningStage for StageRef<S, In, Out> {
    fn ended(&self) -> BoxFuture<'static, (String, ExitReason)> {
        let stage = self.clone();
        async move { (stage.name().to_owned(), StageRef::ended(&stage).await) }.boxed()
    }

    fn release(&self) {
        self.set_demand_mode(DemandMode::Forward);
    }

    fn stop(&self) {
        self.stop_soon(ExitReason::Shutdown);
    }

    fn abort(&self) {
        StageRef::abort(self);
    }

    fn stats(&self) -> StageStats {
        StageRef::stats(self)
    }

    fn watched_in(&self, group: GroupBuilder) -> GroupBuilder {
        group.stage(self)
    }
}

/// Drains a source: stops it, so that the events it produced reach the end of the flow.
type Drain = Box<dyn Fn() + Send + Sync>;

/// The stages of one run.
#[derive(Clone)]
pub struct Build {
    stages: Arc<Mutex<Vec<Box<dyn RunningStage>>>>,
    sources: Arc<Mutex<Vec<Drain>>>,
    /// Subscriptions that have not asked yet.
    waiting: Arc<Mutex<Vec<Subscription>>>,
    pub(crate) first_error: FirstError,
    /// The event time of the stages, for observers.
    pub(crate) gauges: Gauges,
    /// Numbers the layers, so that their names differ.
    layers: Arc<std::sync::atomic::AtomicUsize>,
    common: Arc<Mutex<CommonParts>>,
    subscribe_timeout: Duration,
    pace: Pace,
}

/// The parts that feed several layers, by their identity.
#[derive(Default)]
struct CommonParts {
    /// The number of layers that each one feeds.
    uses: HashMap<usize, usize>,
    /// The producers of those that were started.
    started: HashMap<usize, Box<dyn Any + Send>>,
}

impl Build {
    /// Creates a build without stages; each subscription may take `subscribe_timeout`.
    pub(crate) fn new(subscribe_timeout: Duration) -> Self {
        let (stages, sources, waiting, first_error) = Default::default();
        let (gauges, layers, common, pace) = Default::default();
        Self { stages, sources, waiting, first_error, gauges, layers, common, subscribe_timeout, pace }
    }

    /// Starts the stages of a whole plan.
    pub(crate) async fn start<E: Send + 'static>(
        &self,
        node: &NodeOf<E>,
        exit: Exit<E>,
    ) -> Result<Vec<ProducerRef<E>>, FlowError> {
        lock(&self.common).uses = Outline::of(&**node).uses();
        node.build(self, exit).await
    }

    /// Returns the number of layers that the part `id` feeds.
    pub(crate) fn uses_of(&self, id: usize) -> usize {
        lock(&self.common).uses.get(&id).copied().unwrap_or(1)
    }

    /// Keeps the producers of the part `id`, which feeds several layers.
    pub(crate) fn share<E: Send + 'static>(&self, id: usize, stages: Vec<ProducerRef<E>>) {
        lock(&self.common).started.insert(id, Box::new(stages));
    }

    /// Returns the producers of the part `id` if it was started.
    pub(crate) fn shared<E: Send + 'static>(&self, id: usize) -> Option<Vec<ProducerRef<E>>> {
        lock(&self.common).started.get(&id)?.downcast_ref::<Vec<ProducerRef<E>>>().cloned()
    }

    /// Makes each stage handle one batch at a time, and the next one only while there is demand.
    pub(crate) fn strict(self) -> Self {
        Self { pace: Pace::Strict, ..self }
    }

    /// Returns the options of stage number `index` of a layer that dispatches by `exit`.
    pub(crate) fn stage_options<E: Send + 'static>(
        &self,
        layer: &str,
        index: usize,
        exit: &Exit<E>,
    ) -> StageOptions<E> {
        let options = StageOptions::named(format!("{layer}/{index}")).pace(self.pace);
        match &exit.dispatcher {
            Some(dispatcher) => options.dispatcher(dispatcher()),
            None => options,
        }
    }

    /// Keeps a started stage.
    pub(crate) fn keep(&self, stage: impl RunningStage + 'static) {
        self.stages().push(Box::new(stage));
    }

    /// Keeps a function that drains a source.
    pub(crate) fn keep_source(&self, drain: impl Fn() + Send + Sync + 'static) {
        lock(&self.sources).push(Box::new(drain));
    }

    fn stages(&self) -> MutexGuard<'_, Vec<Box<dyn RunningStage>>> {
        lock(&self.stages)
    }

    /// Releases the demand once everything is wired, so that events flow. Idempotent.
    pub(crate) fn release(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.iter().for_each(Subscription::resume);
        self.stages().iter().for_each(|stage| stage.release());
    }

    /// Drains the sources; every other stage ends after the events they produced. A source that is held back
    /// is released: it learns of the drain first, so it reads nothing more.
    pub(crate) fn drain(&self) {
        lock(&self.sources).iter().for_each(|drain| drain());
        self.release();
    }

    /// Stops every stage.
    pub(crate) fn stop(&self) {
        self.first_error.begin_stop();
        self.stages().iter().for_each(|stage| stage.stop());
    }

    /// Aborts every stage at its next await point.
    pub(crate) fn abort(&self) {
        self.stages().iter().for_each(|stage| stage.abort());
    }

    /// Returns the statistics of each stage, sources first.
    pub(crate) fn stats(&self) -> Vec<StageStats> {
        self.stages().iter().map(|stage| stage.stats()).collect()
    }

    /// Adds the stages, which are wired, to those that are watched together.
    pub(crate) fn watched_in(&self, group: GroupBuilder) -> GroupBuilder {
        let gauges = self.gauges.clone();
        let group = group.event_times(move || gauges.read());
        self.stages().iter().fold(group, |group, stage| stage.watched_in(group))
    }

    /// Creates the counter of the subscriptions that must end around a stage with `upstream` producers.
    pub(crate) fn ends<E>(&self, upstream: usize, exit: &Exit<E>) -> Ends {
        Ends::new(upstream, (exit.consumers, exit.readers), self.first_error.clone())
    }

    /// Subscribes a stage of `layer` to `producer`, with demand held back until everything is wired:
    /// otherwise an external running stage would give all its events to the first subscriber that asks. If
    /// the `demand` is paused, the stage asks once the subscription is resumed.
    pub(crate) fn wire<'a, S, In, Out>(
        &'a self,
        layer: &'a str,
        stage: &'a StageRef<S, In, Out>,
        producer: &'a ProducerRef<In>,
        demand: SubscribeOptions<In>,
    ) -> BoxFuture<'a, Result<Subscription, FlowError>>
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        let waits = !demand.is_paused();
        self.subscribed(layer, stage.name(), waits, stage.subscribe(producer, demand.paused()).boxed())
    }

    /// Subscribes a stage of `layer` to `producer`.
    pub(crate) fn subscribe<'a, S, In, Out>(
        &'a self,
        layer: &'a str,
        stage: &'a StageRef<S, In, Out>,
        producer: &'a ProducerRef<In>,
        demand: SubscribeOptions<In>,
    ) -> BoxFuture<'a, Result<Subscription, FlowError>>
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        self.subscribed(layer, stage.name(), false, stage.subscribe(producer, demand).boxed())
    }

    /// Waits until the stage has subscribed; with `waits`, the subscription asks once everything is wired. Without the
    /// types of the stage, so that it is compiled once.
    fn subscribed<'a>(
        &'a self,
        layer: &'a str,
        stage: &'a str,
        waits: bool,
        made: BoxFuture<'a, Result<Subscription, SubscribeError>>,
    ) -> BoxFuture<'a, Result<Subscription, FlowError>> {
        async move {
            let within = self.subscribe_timeout;
            // No stage can subscribe within zero time, even if a race would sometimes let it.
            let made = if within.is_zero() { None } else { tokio::time::timeout(within, made).await.ok() };
            match made {
                Some(Ok(subscription)) => {
                    if waits {
                        lock(&self.waiting).push(subscription.clone());
                    }
                    Ok(subscription)
                }
                Some(Err(error)) => Err(FlowError::Options { layer: layer.to_owned(), error }),
                None => Err(FlowError::SubscribeTimeout { stage: stage.to_owned(), within }),
            }
        }
        .boxed()
    }

    /// Waits until all stages kept so far have ended; returns the first that did not end normally.
    pub(crate) fn ended(&self) -> impl Future<Output = Option<FlowError>> + Send + use<> {
        let ends: Vec<_> = self.stages().iter().map(|stage| stage.ended()).collect();
        async move {
            let mut failed = None;
            for end in ends {
                let (stage, reason) = end.await;
                if !matches!(reason, ExitReason::Normal) {
                    failed.get_or_insert(FlowError::Stage { stage, reason });
                }
            }
            failed
        }
    }

    /// Returns the error of the first failed stage in a layer other than `layer`.
    pub(crate) fn failure_beside(&self, layer: &str) -> Option<FlowError> {
        let stages = self.stages();
        let ends = stages.iter().filter_map(|stage| stage.ended().now_or_never());
        let mut others = ends.filter(|(stage, _)| stage.rsplit_once('/').is_none_or(|(of, _)| of != layer));
        let (stage, reason) = others.find(|(_, reason)| !reason.is_normal())?;
        Some(FlowError::Stage { stage, reason })
    }

    /// Returns the names of the stages that have not ended.
    pub(crate) fn running(&self) -> Vec<String> {
        let stages = self.stages();
        let running = stages.iter().filter(|stage| stage.ended().now_or_never().is_none());
        running.map(|stage| stage.stats().step).collect()
    }

    /// Waits until a stage fails.
    pub(crate) async fn fails(&self) -> FlowError {
        poll_fn(|cx| self.first_error.poll_noted(cx)).await
    }

    /// Returns a unique name for a layer that does `what`.
    pub(crate) fn name(&self, what: &str) -> String {
        let number = self.layers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{what}#{number}")
    }

    /// Creates the operator of the stage at `place` of `layer`; a panic of a user's function is an error that
    /// names the stage.
    pub(crate) fn operator<L: Layer>(layer: &L, name: &str, place: Place) -> Result<L::Operator, FlowError> {
        guarded(&format!("{name}/{}", place.index), || {
            if let Some(on_init) = &layer.options().on_init {
                on_init(place);
            }
            layer.operator(place)
        })
    }

    /// Converts a failure to start a stage.
    pub(crate) fn failed(error: SpawnError) -> FlowError {
        FlowError::Stage { stage: error.stage, reason: error.reason }
    }
}

/// Calls user code; a panic in it is an error of this stage.
pub(crate) fn guarded<T>(stage: &str, call: impl FnOnce() -> T) -> Result<T, FlowError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| FlowError::Stage {
        stage: stage.to_owned(),
        reason: ExitReason::from_panic(&*payload),
    })
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build").finish_non_exhaustive()
    }
}
