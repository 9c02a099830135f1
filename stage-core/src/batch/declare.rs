//! Builder methods for steps that collect events into batches.

use std::time::Duration;

use super::limits::Limits;
use super::sort::Joined;
use super::stage::Batcher;
use crate::base::error::BoxError;
use crate::base::preset::Preset;
use crate::pipeline::options::Knob;
use crate::pipeline::{Chain, StepOptions};
use crate::policy::Carry;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step that collects events into `Vec`s: a [`Batcher`] with the limits made by the recipe, which
    /// runs once per copy and again at each restart. The step has one copy unless `options` set another
    /// count. In an acknowledged chain, a batch is one delivery of a `Vec`, whose verdict applies to all
    /// deliveries in it. A `batch_size` and `batch_seconds` in the [configuration](crate::config) replace the count and the
    /// time of the recipe.
    ///
    /// ```
    /// # use stage_core::{Pipeline, batch::Limits};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("inserts")
    ///     .start_fn("rows", || Ok(0..10))
    ///     .batched("batches", || Ok(Limits::count(4)))
    ///     .finish_fn("insert", |rows: Vec<i32>| println!("{} rows", rows.len()));
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn batched<R>(self, options: impl Into<StepOptions>, limits: R) -> Chain<Vec<T>, C>
    where
        R: Fn() -> Result<Limits<C::Of<T>>, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        let presets = Presets::default();
        let knobs = presets.knobs(usize::MAX);
        self.step(options, move || Ok(Batcher::<C::Of<T>, Joined<T, C>>::of_chain(presets.over(limits()?))?))
            .with_knobs(&knobs)
    }

    /// Like [`batched`](Self::batched), with at most `events` events in a batch, whatever the limits allow.
    /// The number of events in a batch is then known when the pipeline is declared: the next step inherits
    /// the `max_demand` of the pipeline as that many batches, and the [topology](crate::Pipeline::topology)
    /// states how many events are in flight.
    ///
    /// ```
    /// # use stage_core::{Pipeline, StepOptions, batch::Limits};
    /// let pipeline = Pipeline::builder("inserts")
    ///     .defaults(StepOptions::new().max_demand(1000).min_demand(500))
    ///     .start_fn("rows", || Ok(0..10))
    ///     .batched_up_to("batches", 500, || Ok(Limits::count(500)))
    ///     .finish_fn("insert", |rows: Vec<i32>| println!("{} rows", rows.len()));
    /// let topology = pipeline.topology();
    /// assert_eq!(topology.step("insert").map(|step| step.max_demand), Some(2));
    /// assert_eq!(topology.links[1].in_flight, Some(1000));
    /// ```
    pub fn batched_up_to<R>(
        self,
        options: impl Into<StepOptions>,
        events: usize,
        limits: R,
    ) -> Chain<Vec<T>, C>
    where
        R: Fn() -> Result<Limits<C::Of<T>>, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        let presets = Presets::default();
        let knobs = presets.knobs(events);
        self.step_in_batches(&options, events, move || {
            Ok(Batcher::<C::Of<T>, Joined<T, C>>::of_chain(presets.over(limits()?).up_to(events))?)
        })
        .with_knobs(&knobs)
    }
}

/// The limits that a configuration sets.
#[derive(Debug, Default)]
struct Presets {
    size: Preset<usize>,
    within: Preset<Duration>,
}

impl Presets {
    #[inline]
    fn knobs(&self, most: usize) -> Vec<Knob> {
        vec![Knob::BatchSize { preset: self.size.clone(), most }, Knob::BatchTime(self.within.clone())]
    }

    /// Replaces those of the recipe.
    fn over<E>(&self, mut limits: Limits<E>) -> Limits<E> {
        limits.count = self.size.get().or(limits.count);
        limits.within = self.within.get().or(limits.within);
        limits
    }
}
