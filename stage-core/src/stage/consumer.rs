//! The trait of a stage that consumes events.

use std::future::{Future, ready};

use super::{Context, Events, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::wire::subscription::{Asking, Cancellation, Subscription};

/// Consumes batches of events.
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
    /// The type of the events it consumes.
    type Event: Send + 'static;

    /// Whether the stage asks its producers by itself ([`Asking::Manual`]). Its window is then fixed, and a pipeline
    /// describes it as such.
    const ASKS_BY_ITSELF: bool = false;

    /// Runs before any other callback, at the start and after each restart; a pipeline starts only once every
    /// stage is initialised.
    fn init(&mut self, cx: &mut Context<'_>) -> impl Future<Output = Result<Init, BoxError>> + Send {
        let _ = cx;
        ready(Ok(Init::Ready))
    }

    /// Handles one batch. The engine asks for more events after it has returned.
    fn handle_events(
        &mut self,
        events: Events<'_, Self::Event>,
        cx: &mut Context<'_>,
    ) -> impl Future<Output = StageResult> + Send;

    /// Called before this stage subscribes to a producer. Decides who asks for events: the engine, or the
    /// stage itself, by [`Subscription::ask`].
    fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        cx: &mut Context<'_>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        let _ = (subscription, cx);
        ready(Ok(Asking::Automatic))
    }

    /// Called when the subscription to a producer has ended and all of its events are handled. Afterwards,
    /// the stage acts by the subscription's [`CancelMode`](crate::CancelMode).
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
