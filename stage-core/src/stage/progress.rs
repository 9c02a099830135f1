//! The message by which a stage learns the event-time progress of its producers.

use crate::base::progress::Progress;
use crate::wire::subscription::Subscription;

/// The event-time progress of a producer, for stages that [registered](crate::Context::hear_progress) for it.
///
/// ```
/// use stage_core::stage::{Cast, ProducerProgress};
/// use stage_core::{BoxError, Context, Emitter, Events, Init, ProducerConsumer, StageResult};
///
/// /// Counts events, and emits the count when the watermark of its only producer advances.
/// struct Count(u64);
///
/// impl ProducerConsumer for Count {
///     type In = i64;
///     type Out = (i64, u64);
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         cx.hear_progress::<Self>()?;
///         Ok(Init::Ready)
///     }
///
///     async fn handle_events(&mut self, events: Events<'_, i64>, _: &mut Emitter<'_, (i64, u64)>) -> StageResult {
///         self.0 += events.len() as u64;
///         Ok(())
///     }
/// }
///
/// impl Cast<ProducerProgress> for Count {
///     type Out = (i64, u64);
///
///     async fn handle_cast(&mut self, told: ProducerProgress, out: &mut Emitter<'_, (i64, u64)>) -> StageResult {
///         out.emit((told.progress.reached, self.0));
///         out.announce_progress(told.progress);
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProducerProgress {
    /// The subscription to the producer.
    pub from: Subscription,
    /// Its progress, behind all events that came by this subscription so far.
    pub progress: Progress,
}
