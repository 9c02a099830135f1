//! Steps that handle events one by one, with a policy for failed events.

use super::adjustable::adjustable;
use super::declare::shared;
use super::rules::Handling;
use super::stages::{ConcurrentSink, ConcurrentStep};
use crate::base::error::BoxError;
use crate::pipeline::{Chain, Pipeline, StepOptions};
use crate::policy::{AtOnce, Carry, EachEvent, EventSink, EventStep, FailurePolicy, Order, Skip, attempt};
use crate::sync::Arc;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step that handles each event with the handler that `recipe` builds; see [`policy`](crate::policy)
    /// for the treatment of failed events. The recipe runs once per copy, and again after each panic. In an
    /// acknowledged chain, an event without output is acknowledged.
    pub fn step_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Chain<H::Out, C>
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let (recipe, (policy, knobs)) = (shared(recipe), adjustable(policy));
        if policy.retries() {
            let order = if self.key().is_some() { Order::Any } else { Order::Kept };
            let rules = self.rules(AtOnce::new(1).order(order).into(), policy, Handling::InStage);
            return self
                .step(options, move || ConcurrentStep::<H, C>::new(rules.clone(), Arc::new(recipe.clone())))
                .with_knobs(&knobs);
        }
        let skip = Skip::in_step(self.key().is_some());
        self.step(options, move || EventStep::<H, C>::new(policy.clone(), skip, recipe.clone()))
            .with_knobs(&knobs)
    }

    /// Adds the last step: handles each event with the handler that `recipe` builds, and acknowledges it in an
    /// acknowledged chain.
    pub fn finish_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Pipeline
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let (recipe, (policy, knobs)) = (shared(recipe), adjustable(policy));
        if policy.retries() {
            let rules = self.rules(AtOnce::new(1).order(Order::Any).into(), policy, Handling::InStage);
            return self
                .finish(options, move || ConcurrentSink::<H, C>::new(rules.clone(), Arc::new(recipe.clone())))
                .with_knobs(&knobs);
        }
        let skip = Skip::in_step(self.key().is_some());
        self.finish(options, move || EventSink::<H, C>::new(policy.clone(), skip, recipe.clone()))
            .with_knobs(&knobs)
    }

    /// Adds a step that turns each event into one other event with a function that may fail; every copy has a
    /// clone of it.
    ///
    /// ```
    /// # use stage_core::{Pipeline, policy::FailurePolicy};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("numbers")
    ///     .start_fn("words", || Ok(["1", "two", "3"]))
    ///     .step_each_fn("parse", FailurePolicy::skip(), |word| word.parse::<u64>())
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!((report.stages[1].discarded, report.stages[2].events_in), (1, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn step_each_fn<F, U, Error>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        function: F,
    ) -> Chain<U, C>
    where
        F: FnMut(T) -> Result<U, Error> + Clone + Send + 'static,
        U: Send + 'static,
        Error: Into<BoxError> + 'static,
    {
        self.step_each(options, policy, move || Ok(attempt(function.clone())))
    }

    /// Adds the last step: handles each event with a function that may fail; every copy has a clone of it.
    ///
    /// ```
    /// use stage_core::Pipeline;
    /// use stage_core::policy::{FailurePolicy, attempt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("numbers")
    ///     .start_fn("words", || Ok(["1", "two", "3"]))
    ///     .step_each("parse", FailurePolicy::skip(), || Ok(attempt(|word: &str| word.parse::<u64>())))
    ///     .finish_each_fn("check", FailurePolicy::stop(), |number| {
    ///         if number > 9 { Err("too large") } else { Ok(()) }
    ///     });
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 2);
    ///
    /// let pipeline = Pipeline::builder("odd")
    ///     .start_fn("numbers", || Ok(1..=4))
    ///     .finish_each("check", FailurePolicy::skip(), || {
    ///         Ok(attempt(|number| if number % 2 == 1 { Ok(()) } else { Err("it is even") }))
    ///     });
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[1].failures.skipped, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish_each_fn<F, Error>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        function: F,
    ) -> Pipeline
    where
        F: FnMut(T) -> Result<(), Error> + Clone + Send + 'static,
        Error: Into<BoxError> + 'static,
    {
        self.finish_each(options, policy, move || Ok(attempt(function.clone())))
    }
}
