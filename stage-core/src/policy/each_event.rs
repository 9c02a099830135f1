//! The trait for handlers of single events.

use std::future::Future;

use crate::base::error::BoxError;

/// Handles events one by one. The handler does not know whether events are deliveries, nor how its failures
/// are handled.
///
/// ```
/// use stage_core::BoxError;
/// use stage_core::policy::EachEvent;
///
/// /// Drops repeated events.
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
    /// The type of the events handled.
    type In: Send + 'static;
    /// The type of the results.
    type Out: Send + 'static;

    /// Handles one event. `None` passes nothing on, and acknowledges a delivery.
    ///
    /// After an error the same handler is used again; after a panic, a new one is made. If a deadline is set,
    /// the future may be dropped at any await point.
    fn handle(&mut self, event: Self::In)
    -> impl Future<Output = Result<Option<Self::Out>, BoxError>> + Send;
}
