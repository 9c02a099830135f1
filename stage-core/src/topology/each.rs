//! Steps that handle events one by one, with a policy for those that fail.

use super::acknowledged::Acknowledged;
use super::builder::Pipeline;
use super::chain::Chain;
use super::options::StepOptions;
use crate::error::BoxError;
use crate::policy::{self, EachEvent, EventSink, EventStep, FailurePolicy, Plain};
use crate::sync::Arc;

impl<E: Send + 'static> Chain<E> {
    /// A step that handles each event by what `recipe` makes; see [`policy`] for what happens to those that
    /// fail. The recipe runs once per copy, and again after each panic.
    pub fn step_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        recipe: R,
    ) -> Chain<H::Out>
    where
        H: EachEvent<In = E>,
        R: Fn() -> Result<H, BoxError> + Send + Sync + 'static,
    {
        let recipe = Arc::new(recipe);
        self.step(options, move || {
            let recipe = Arc::clone(&recipe);
            EventStep::<H, Plain>::new(policy.clone(), move || recipe())
        })
    }

    /// The last step: handles each event by what `recipe` makes.
    pub fn finish_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<E>,
        recipe: R,
    ) -> Pipeline
    where
        H: EachEvent<In = E>,
        R: Fn() -> Result<H, BoxError> + Send + Sync + 'static,
    {
        let recipe = Arc::new(recipe);
        self.finish(options, move || {
            let recipe = Arc::clone(&recipe);
            EventSink::<H, Plain>::new(policy.clone(), move || recipe())
        })
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// A step that handles each event by what `recipe` makes. One that fails is rejected with its error, unless
    /// the policy sends it elsewhere; one of which nothing comes is acknowledged.
    pub fn step_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Acknowledged<H::Out>
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + Sync + 'static,
    {
        let recipe = Arc::new(recipe);
        self.step(options, move || {
            let recipe = Arc::clone(&recipe);
            EventStep::<H, policy::Acknowledged>::new(policy.clone(), move || recipe())
        })
    }

    /// The last step: handles each event by what `recipe` makes, and acknowledges it.
    pub fn finish_each<H, R>(
        self,
        options: impl Into<StepOptions>,
        policy: FailurePolicy<T>,
        recipe: R,
    ) -> Pipeline
    where
        H: EachEvent<In = T>,
        R: Fn() -> Result<H, BoxError> + Send + Sync + 'static,
    {
        let recipe = Arc::new(recipe);
        self.finish(options, move || {
            let recipe = Arc::clone(&recipe);
            EventSink::<H, policy::Acknowledged>::new(policy.clone(), move || recipe())
        })
    }
}
