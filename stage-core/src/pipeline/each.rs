//! Steps that handle events one by one, with a policy for failed events.

use super::chain::Chain;
use super::options::StepOptions;
use super::pipeline::Pipeline;
use crate::base::error::BoxError;
use crate::policy::{Carry, EachEvent, EventSink, EventStep, FailurePolicy, Skip, attempt};
use crate::sync::{Arc, Mutex, lock};

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
        let (recipe, skip) = (shared(recipe), Skip::in_step(self.upstream.is_keyed()));
        self.step(options, move || EventStep::<H, C>::new(policy.clone(), skip, recipe.clone()))
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
        let (recipe, skip) = (shared(recipe), Skip::in_step(self.upstream.is_keyed()));
        self.finish(options, move || EventSink::<H, C>::new(policy.clone(), skip, recipe.clone()))
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

/// Makes a recipe that all copies share, and call again after a panic.
fn shared<H: 'static>(
    recipe: impl Fn() -> Result<H, BoxError> + Send + 'static,
) -> impl Fn() -> Result<H, BoxError> + Clone + Send + Sync + 'static {
    let recipe = Arc::new(Mutex::new(recipe));
    move || lock(&recipe)()
}
