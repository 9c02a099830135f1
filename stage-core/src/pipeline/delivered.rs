//! Turns a chain of deliveries into an acknowledged chain, and back.

use super::chain::Chain;
use crate::ack::Delivery;
use crate::policy::Acknowledged;

/// Implemented for the events that can be acknowledged: [`Delivery`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be acknowledged: it is not a `Delivery`",
    label = "what arrives here is `{Self}`",
    note = "only a source of `stage_core::ack::Delivery`s learns the outcome of its events: see the documentation of `stage_core::ack`, and the crate `stage-sqlite` for a ready-made source"
)]
pub trait Delivered: Send + Sized + 'static {
    /// The acknowledged chain of these deliveries. For a type that is not a delivery, this type is unknown,
    /// so the compiler reports only that error and none for the steps that follow.
    type Lifted;

    #[doc(hidden)]
    fn lift(chain: Chain<Self>) -> Self::Lifted;
}

impl<T: Send + 'static> Delivered for Delivery<T> {
    type Lifted = Chain<T, Acknowledged>;

    fn lift(chain: Chain<Self>) -> Chain<T, Acknowledged> {
        Chain::from_carried(chain)
    }
}

impl<E: Send + 'static> Chain<E> {
    /// Lets the functions of all later steps take the delivered events instead of the deliveries. Stages
    /// still take and emit deliveries, since only they know which output results from which input. A chain of
    /// [`Delivery<T>`] becomes a `Chain<T, Acknowledged>`.
    ///
    /// ```
    /// use stage_core::Pipeline;
    /// use stage_core::ack::Delivery;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let pipeline = Pipeline::builder("jobs")
    ///     .start_fn("jobs", || Ok([1, 2, 3].map(Delivery::untracked)))
    ///     .acknowledged()
    ///     .step_fn("double", |job| job * 2)
    ///     .deliveries()
    ///     .finish_fn("store", |job| job.acknowledge());
    /// let report = pipeline.start().await?.join().await?;
    /// assert_eq!(report.stages[2].events_in, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn acknowledged(self) -> E::Lifted
    where
        E: Delivered,
    {
        E::lift(self)
    }
}

impl<T: Send + 'static> Chain<T, Acknowledged> {
    /// Returns a chain whose functions take deliveries again.
    pub fn deliveries(self) -> Chain<Delivery<T>> {
        self.into_carried()
    }
}
