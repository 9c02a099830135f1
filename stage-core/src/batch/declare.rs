//! How does a declared pipeline collect what it handles into batches?

use super::limits::Limits;
use super::sort::{Joined, Together};
use super::stage::Batcher;
use crate::ack::Delivery;
use crate::error::BoxError;
use crate::topology::{Acknowledged, Chain, StepOptions};

impl<E: Send + 'static> Chain<E> {
    /// A step that collects events into `Vec`s: a [`Batcher`] with the limits that the recipe makes, once per copy
    /// and again at each restart. It is one copy, unless `options` say otherwise.
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
    pub fn batched<R>(self, options: impl Into<StepOptions>, limits: R) -> Chain<Vec<E>>
    where
        R: Fn() -> Result<Limits<E>, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        self.step(options, move || Ok(Batcher::<E, Together>::new(limits()?)?))
    }
}

impl<T: Send + 'static> Acknowledged<T> {
    /// A step that collects deliveries into one of a `Vec`: whatever becomes of it becomes of all of them. See
    /// [`Chain::batched`].
    pub fn batched<R>(self, options: impl Into<StepOptions>, limits: R) -> Acknowledged<Vec<T>>
    where
        R: Fn() -> Result<Limits<Delivery<T>>, BoxError> + Send + 'static,
    {
        let options = options.into().or(&StepOptions::new().count(1));
        self.step(options, move || Ok(Batcher::<Delivery<T>, Joined>::joining(limits()?)?))
    }
}
