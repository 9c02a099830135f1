//! Builder methods for steps that collect events into batches.

use super::limits::Limits;
use super::sort::Joined;
use super::stage::Batcher;
use crate::base::error::BoxError;
use crate::pipeline::{Chain, StepOptions};
use crate::policy::Carry;

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds a step that collects events into `Vec`s: a [`Batcher`] with the limits made by the recipe, which
    /// runs once per copy and again at each restart. The step has one copy unless `options` set another
    /// count. In an acknowledged chain, a batch is one delivery of a `Vec`, whose verdict applies to all
    /// deliveries in it.
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
        self.step(options, move || Ok(Batcher::<C::Of<T>, Joined<T, C>>::of_chain(limits()?)?))
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
        self.step_in_batches(&options, events, move || {
            Ok(Batcher::<C::Of<T>, Joined<T, C>>::of_chain(limits()?.up_to(events))?)
        })
    }
}
