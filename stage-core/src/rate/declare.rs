//! Builder methods for steps that limit the rate of events.

use super::budget::Budget;
use super::stage::RateLimiter;
use crate::base::error::BoxError;
use crate::base::preset::Preset;
use crate::pipeline::options::Knob;
use crate::pipeline::{Chain, StepOptions};
use crate::policy::Carry;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step that passes events on at a limited rate: a [`RateLimiter`] with the budget made by the
    /// recipe, which runs once per copy and again at each restart. A recipe that returns a
    /// [`Rate`](super::Rate) gives each copy a budget of its own; clones of one [`Budget`] are shared. The
    /// step has one copy unless `options` set another count. A `rate` in the [configuration](crate::config) replaces that
    /// of the recipe.
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
    /// // Ten at once, then one every millisecond.
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
        let preset = Preset::default();
        let knobs = [Knob::Rate(preset.clone())];
        self.step(options, move || Ok(RateLimiter::<C::Of<T>>::new(budget()?.into()).preset(preset.get())))
            .with_knobs(&knobs)
    }
}
