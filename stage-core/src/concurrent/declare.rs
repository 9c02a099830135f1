//! Builder methods for steps that handle several events at once.

use std::hash::Hash;

use super::adjustable::adjustable;
use super::control::Control;
use super::rules::{Handling, Rules};
use super::stages::{ConcurrentSink, ConcurrentStep};
use crate::base::error::BoxError;
use crate::pipeline::{Chain, Pipeline, StepOptions};
use crate::policy::{AtOnce, AtOncePer, Carry, EachEvent, FailurePolicy, Skip};
use crate::sync::{Arc, Mutex, lock};

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Like [`step_each`](Self::step_each), with several events in progress at a time, each with a handler of its own
    /// that `recipe` builds. The policy applies to each event: one that waits for a retry is not in progress and holds back
    /// no other, except for the order in which results leave and, in a step that is fed by key, the later events of its
    /// key. [`AtOnce::at_most`](crate::policy::AtOnce::at_most) bounds the events in progress with equal keys, and
    /// [`AtOnce::adaptive`](crate::policy::AtOnce::adaptive) finds out how many the target bears.
    ///
    /// The step has a `max_demand` of twice the events in progress, and a `min_demand` of half of that, unless
    /// `options` set a `max_demand`: the step holds no more events than that, in progress or behind it. An adaptive step
    /// asks for twice the events that may be in progress now.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use stage_core::Pipeline;
    /// # use stage_core::policy::{AtOnce, FailurePolicy, each};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// async fn look_up(number: u64) -> Result<u64, std::io::Error> {
    ///     tokio::time::sleep(Duration::from_millis(10)).await;
    ///     Ok(number * 2)
    /// }
    ///
    /// let pipeline = Pipeline::builder("look up")
    ///     .start_fn("numbers", || Ok(0..100))
    ///     .step_each_at_once("look_up", AtOnce::new(50), FailurePolicy::skip(), || Ok(each(look_up)))
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 100);
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_each_at_once<H, R>(
        self,
        options: impl Into<StepOptions>,
        at_once: impl Into<AtOncePer<T>>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Chain<H::Out, C>
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let (policy, of_policy) = adjustable(policy);
        let (recipe, rules) = (shared(recipe), self.rules(at_once.into(), policy, Handling::InTasks));
        let (options, knobs) = (rules.window(options.into()), [rules.knobs(), of_policy].concat());
        self.step(options, move || ConcurrentStep::<H, C>::new(rules.clone(), Arc::new(recipe.clone())))
            .with_knobs(&knobs)
    }

    /// Like [`finish_each`](Self::finish_each), with several events in progress at a time: see
    /// [`step_each_at_once`](Self::step_each_at_once).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use stage_core::Pipeline;
    /// # use stage_core::policy::{AtOnce, FailurePolicy, each};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// async fn store(_: u64) -> Result<(), std::io::Error> {
    ///     tokio::time::sleep(Duration::from_secs(1)).await;
    ///     Ok(())
    /// }
    ///
    /// let pipeline = Pipeline::builder("store")
    ///     .start_fn("numbers", || Ok(0..100))
    ///     .finish_each_at_once("store", AtOnce::new(50), FailurePolicy::skip(), || Ok(each(store)));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[1].events_in, 100);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish_each_at_once<H, R>(
        self,
        options: impl Into<StepOptions>,
        at_once: impl Into<AtOncePer<T>>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Pipeline
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let (policy, of_policy) = adjustable(policy);
        let (recipe, rules) = (shared(recipe), self.rules(at_once.into(), policy, Handling::InTasks));
        let (options, knobs) = (rules.window(options.into()), [rules.knobs(), of_policy].concat());
        self.finish(options, move || ConcurrentSink::<H, C>::new(rules.clone(), Arc::new(recipe.clone())))
            .with_knobs(&knobs)
    }

    /// [`AtOnce::at_most`], for the events of this chain.
    #[doc(hidden)]
    pub fn at_most<K: Hash>(
        &self,
        at_once: AtOnce,
        events: usize,
        per: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> AtOncePer<T> {
        at_once.at_most(events, per)
    }

    /// Returns the rules of the next step.
    pub(super) fn rules(
        &self,
        at_once: AtOncePer<T>,
        policy: FailurePolicy<T>,
        handling: Handling,
    ) -> Rules<T, C> {
        let skip = Skip::in_step(self.key().is_some());
        // Keys are held apart only while an event waits for its next attempt.
        let key = self.key().filter(|_| policy.retries());
        let per_key = at_once.bulkheads.as_ref().map(|bulkheads| bulkheads.most);
        let control = Control::new(&at_once.at_once.bounds(), per_key);
        Rules { at_once, policy, control, key, skip, handling }
    }
}

/// Makes a recipe that all handlers share.
pub(super) fn shared<H: 'static>(
    recipe: impl Fn() -> Result<H, BoxError> + Send + 'static,
) -> impl Fn() -> Result<H, BoxError> + Clone + Send + Sync + 'static {
    let recipe = Arc::new(Mutex::new(recipe));
    move || lock(&recipe)()
}
