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
///
/// The other callbacks are optional. This consumer asks for one event after the other, and reports its end:
///
/// ```
/// use std::sync::mpsc::Sender;
///
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::subscribe::{Asking, Cancellation, Subscription};
/// use stage_core::testing::ManualProducer;
/// use stage_core::{BoxError, Consumer, Context, Demand, Events, ExitReason, Init, StageResult, SubscribeOptions};
///
/// struct OneByOne {
///     told: Sender<String>,
///     next: Option<Demand>,
/// }
///
/// impl Consumer for OneByOne {
///     type Event = u32;
///
///     const ASKS_BY_ITSELF: bool = true;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         self.told.send(format!("{} begins", cx.name()))?;
///         self.next = Demand::new(1);
///         Ok(Init::Ready)
///     }
///
///     async fn handle_events(&mut self, events: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
///         if let Some(next) = self.next {
///             events.from().ask(next);
///         }
///         Ok(())
///     }
///
///     async fn handle_subscribe(&mut self, _: &Subscription, _: &mut Context<'_>) -> Result<Asking, BoxError> {
///         Ok(Asking::Manual)
///     }
///
///     async fn handle_cancel(
///         &mut self,
///         subscription: &Subscription,
///         _: &Cancellation,
///         _: &mut Context<'_>,
///     ) -> StageResult {
///         self.told.send(format!("{} left", subscription.producer()))?;
///         Ok(())
///     }
///
///     async fn terminate(&mut self, reason: &ExitReason) {
///         // The receiver may be gone.
///         let _ = self.told.send(reason.to_string());
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let (told, heard) = std::sync::mpsc::channel();
/// let sink = consumer(OneByOne { told, next: None }, StageOptions::named("sink")).await?;
/// let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
/// let subscription = sink.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// subscription.ask(Demand::new(1).ok_or("one is more than none")?);
/// for number in 0..3 {
///     assert_eq!(source.next_demand().await, 1);
///     source.emit([number]);
/// }
/// source.finish();
/// sink.ended().await;
/// assert_eq!(heard.iter().collect::<Vec<_>>(), ["sink begins", "source left", "finished"]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot finish a pipeline: it is not a `Consumer`",
    label = "not a `Consumer`",
    note = "implement `stage_core::Consumer` for it, or finish with a closure of one event",
    note = "the sender of a channel becomes a sink by `sink::into_channel(sender)`, and a connector by `stage_connect::sink::pushed(connector, PushOptions::new())`, or `pushed_plain` in a pipeline that is not acknowledged"
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
