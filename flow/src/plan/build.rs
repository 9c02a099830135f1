//! One run of a flow while its stages are being started: what is running, and how it is ended.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::dispatch::{DemandDispatcher, Dispatcher};
use stage_core::spawn::SpawnError;
use stage_core::{DemandMode, ExitReason, StageRef, StageStats, Subscription};

use super::{Layer, Place};
use crate::error::{FirstError, FlowError};

/// How the stages of a layer hand out their events.
pub struct Exit<E> {
    /// How many stages subscribe to each of them.
    pub(crate) consumers: usize,
    pub(crate) dispatcher: Arc<dyn Fn() -> Box<dyn Dispatcher<E>> + Send + Sync>,
}

impl<E> Clone for Exit<E> {
    fn clone(&self) -> Self {
        Self { consumers: self.consumers, dispatcher: Arc::clone(&self.dispatcher) }
    }
}

impl<E> fmt::Debug for Exit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exit").field("consumers", &self.consumers).finish_non_exhaustive()
    }
}

impl<E: Send + 'static> Exit<E> {
    /// To one subscriber, as it asks.
    pub(crate) fn single() -> Self {
        Self { consumers: 1, dispatcher: Arc::new(|| Box::new(DemandDispatcher::default())) }
    }
}

/// A stage that was started, whatever it is.
pub(crate) trait RunningStage: Send + Sync {
    fn ended(&self) -> BoxFuture<'static, (String, ExitReason)>;
    fn release(&self);
    fn stop(&self);
    fn stats(&self) -> StageStats;
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

    fn stats(&self) -> StageStats {
        StageRef::stats(self)
    }
}

/// The stages of one run.
#[derive(Clone, Default)]
pub struct Build {
    stages: Arc<Mutex<Vec<Box<dyn RunningStage>>>>,
    /// Subscriptions that ask for nothing yet.
    waiting: Arc<Mutex<Vec<Subscription>>>,
    pub(crate) first_error: FirstError,
    /// Numbers for layers, so that their names differ.
    layers: Arc<std::sync::atomic::AtomicUsize>,
}

impl Build {
    /// Keeps a stage that was started.
    pub(crate) fn keep(&self, stage: impl RunningStage + 'static) {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(stage));
    }

    /// Keeps a subscription that began paused until everything is wired: running stages that the flow reads
    /// would otherwise give all they have to the first that asks.
    pub(crate) fn hold(&self, subscription: Subscription) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(subscription);
    }

    /// Everything is wired: events may flow.
    pub(crate) fn release(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.iter().for_each(Subscription::resume);
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.iter().for_each(|stage| stage.release());
    }

    /// Ends every stage.
    pub(crate) fn stop(&self) {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.iter().for_each(|stage| stage.stop());
    }

    /// What each stage has done, sources first.
    pub(crate) fn stats(&self) -> Vec<StageStats> {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.iter().map(|stage| stage.stats()).collect()
    }

    /// Waits until all stages have ended; the first of them that did not end normally.
    pub(crate) async fn ended(&self) -> Option<FlowError> {
        let ends: Vec<_> = {
            let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
            stages.iter().map(|stage| stage.ended()).collect()
        };
        let mut failed = None;
        for end in ends {
            let (stage, reason) = end.await;
            if !matches!(reason, ExitReason::Normal) {
                failed.get_or_insert(FlowError::Stage { stage, reason });
            }
        }
        failed
    }

    /// A name for a layer that does `what`.
    pub(crate) fn name(&self, what: &str) -> String {
        let number = self.layers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{what}#{number}")
    }

    /// What the stage at `place` of `layer` runs; a user's function that panics meanwhile is an error that
    /// names the stage.
    pub(crate) fn operator<L: Layer>(layer: &L, name: &str, place: Place) -> Result<L::Operator, FlowError> {
        guarded(&format!("{name}/{}", place.index), || {
            if let Some(on_init) = &layer.options().on_init {
                on_init(place);
            }
            layer.operator(place)
        })
    }

    /// A stage did not start.
    pub(crate) fn failed(error: SpawnError) -> FlowError {
        FlowError::Stage { stage: error.stage, reason: error.reason }
    }
}

/// Calls what a user wrote; a panic of it is an error of this stage.
pub(crate) fn guarded<T>(stage: &str, call: impl FnOnce() -> T) -> Result<T, FlowError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is not text".to_owned());
        FlowError::Stage { stage: stage.to_owned(), reason: ExitReason::Panicked(message) }
    })
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Build").finish_non_exhaustive()
    }
}
