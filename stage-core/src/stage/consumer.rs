//! A stage that uses events up.

use std::future::{Future, ready};

use super::{Context, Events, Init};
use crate::error::{BoxError, ExitReason, StageResult};

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

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
