//! How does a declared pipeline let events through at a rate?

use super::budget::Budget;
use super::stage::RateLimiter;
use crate::ack::Delivery;
use crate::base::error::BoxError;
use crate::pipeline::{Acknowledged, Chain, StepOptions};

impl<E: Send + 'static> Chain<E> {
    /// A step that passes events on at a rate: a [`RateLimiter`] with the budget that the recipe makes, once per
    /// copy and again at each restart. Who makes a [`Rate`](super::Rate) has a budget for each copy; clones of one
    /// [`Budget`] are shared. It is one copy, unless `options` say otherwise.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use stage_core::{Pipeline, rate::Rate};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("mails")
    ///     .start_fn("mails", || Ok(0..30))
    ///     .limited("limit", || Ok(Rate::new(1_000, Duration::from_secs(1))?.burst(10)?))
    ///     .finish_fn("send", |_| ());
    /// // Ten at once, then one each millisecond.
    /// assert!(pipeline.start().await?.join().await?.elapsed >= Duration::from_millis(20));
    /// # Ok(())
    /// # }
    /// ```
    pub fn limited<B, R>(self, options: impl Into<StepOptions>, budget: R) -> Self
    where
        B: Into<Budget>,
        R: Fn() -> Result<B, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        self.step(options, move || Ok(RateLimiter::<E>::new(budget()?.into())))
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// A step that passes deliveries on at a rate: see [`Chain::limited`].
    pub fn limited<B, R>(self, options: impl Into<StepOptions>, budget: R) -> Self
    where
        B: Into<Budget>,
        R: Fn() -> Result<B, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        self.step(options, move || Ok(RateLimiter::<Delivery<T>>::new(budget()?.into())))
    }
}
