//! What handles one event at a time.

use std::future::Future;

use crate::base::error::BoxError;

/// Handles events one by one. It never learns whether they are deliveries, nor what its failures come to.
///
/// ```
/// use stage_core::BoxError;
/// use stage_core::policy::EachEvent;
///
/// /// Passes on what is new.
/// struct New {
///     last: Option<u64>,
/// }
///
/// impl EachEvent for New {
///     type In = u64;
///     type Out = u64;
///
///     async fn handle(&mut self, event: u64) -> Result<Option<u64>, BoxError> {
///         let new = self.last != Some(event);
///         self.last = Some(event);
///         Ok(new.then_some(event))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle events one by one, so a failure policy has no event to judge",
    label = "this is not an `EachEvent`",
    note = "a failure policy is for functions of one event that return a `Result`, for `policy::each(…)`, and for types that implement `policy::EachEvent`"
)]
pub trait EachEvent: Send + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it makes of it.
    type Out: Send + 'static;

    /// Handles one event. `None` passes nothing on, and acknowledges a delivery.
    ///
    /// After an error the same value goes on; after a panic another one is made. Where a deadline is set, the
    /// future may be dropped at any wait.
    fn handle(&mut self, event: Self::In)
    -> impl Future<Output = Result<Option<Self::Out>, BoxError>> + Send;
}
