//! A stage that uses events up.

use std::future::{Future, ready};

use super::{Context, Events, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::wire::subscription::{Asking, Cancellation, Subscription};

/// Uses batches of events up.
///
/// ```
/// use stage_core::{Consumer, Context, Events, StageResult};
///
/// struct Print;
///
/// impl Consumer for Print {
///     type Event = String;
///
///     async fn handle_events(&mut self, events: Events<'_, String>, _cx: &mut Context<'_>) -> StageResult {
///         for line in events {
///             println!("{line}");
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot finish a pipeline: it is not a `Consumer`",
    label = "not a `Consumer`",
    note = "implement `stage_core::Consumer` for it, or finish with a closure of one event"
)]
pub trait Consumer: Send + 'static {
    /// What it takes.
    type Event: Send + 'static;

    /// Runs before anything else, also after each restart; a pipeline starts only when every stage is up.
    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        let _ = cx;
        ready(Ok(Init::Ready))
    }

    /// Handles one batch. More is asked for after it returned.
    fn handle_events(
        &mut self,
        events: Events<'_, Self::Event>,
        cx: &mut Context<'_>,
    ) -> impl Future<Output = StageResult> + Send;

    /// This stage is about to subscribe to a producer. Says who asks for events: the engine, or the stage
    /// itself by [`Subscription::ask`].
    fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        cx: &mut Context<'_>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        let _ = (subscription, cx);
        ready(Ok(Asking::Automatic))
    }

    /// The subscription to a producer has ended, and everything that it brought was handled. Then the
    /// stage does what the subscription's [`CancelMode`](crate::CancelMode) says.
    fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        cx: &mut Context<'_>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (subscription, cancellation, cx);
        ready(Ok(()))
    }

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
