//! Steps that handle events one by one, with a policy for failed events.

use super::acknowledged::Acknowledged;
use super::builder::Pipeline;
use super::chain::Chain;
use super::options::StepOptions;
use crate::base::error::BoxError;
use crate::policy::{self, EachEvent, EventSink, EventStep, FailurePolicy, Plain, attempt};
use crate::sync::{Arc, Mutex, lock};

impl<E: Send + 'static> Chain<E> {
    /// Adds a step that handles each event with the handler that `recipe` builds; see [`policy`] for the
    /// treatment of failed events. The recipe runs once per copy, and again after each panic.
    pub fn step_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        recipe: R,
    ) -> Chain<H::Out>
    where
        H: EachEvent<In = E>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let recipe = shared(recipe);
        self.step(options, move || EventStep::<H, Plain>::new(policy.clone(), recipe.clone()))
    }

    /// Adds the last step: handles each event with the handler that `recipe` builds.
    pub fn finish_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        recipe: R,
    ) -> Pipeline
    where
        H: EachEvent<In = E>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let recipe = shared(recipe);
        self.finish(options, move || EventSink::<H, Plain>::new(policy.clone(), recipe.clone()))
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
    pub fn step_each_fn<F, Out, Error>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        function: F,
    ) -> Chain<Out>
    where
        F: FnMut(E) -> Result<Out, Error> + Clone + Send + 'static,
        Out: Send + 'static,
        Error: Into<BoxError> + 'static,
    {
        self.step_each(options, policy, move || Ok(attempt(function.clone())))
    }

    /// Adds the last step: handles each event with a function that may fail; every copy has a clone of it.
    pub fn finish_each_fn<F, Error>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        function: F,
    ) -> Pipeline
    where
        F: FnMut(E) -> Result<(), Error> + Clone + Send + 'static,
        Error: Into<BoxError> + 'static,
    {
        self.finish_each(options, policy, move || Ok(attempt(function.clone())))
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// Adds a step that handles each event with the handler that `recipe` builds. A failed event is rejected
    /// with its error, unless the policy sends it elsewhere; an event without output is acknowledged.
    pub fn step_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Acknowledged<H::Out>
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + 'static,
    {
        let recipe = shared(recipe);
        self.step(options, move || EventStep::<H, policy::Acknowledged>::new(policy.clone(), recipe.clone()))
    }

    /// Adds the last step: handles each event with the handler that `recipe` builds, and acknowledges it.
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
        let recipe = shared(recipe);
        self.finish(options, move || {
            EventSink::<H, policy::Acknowledged>::new(policy.clone(), recipe.clone())
        })
    }

    /// Adds a step that turns each event into one other event with a function that may fail; every copy has a
    /// clone of it.
    pub fn step_each_fn<F, Out, Error>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        function: F,
    ) -> Acknowledged<Out>
    where
        F: FnMut(T) -> Result<Out, Error> + Clone + Send + 'static,
        Out: Send + 'static,
        Error: Into<BoxError> + 'static,
    {
        self.step_each(options, policy, move || Ok(attempt(function.clone())))
    }

    /// Adds the last step: handles each event with a function that may fail, and acknowledges it; every copy
    /// has a clone of the function.
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
