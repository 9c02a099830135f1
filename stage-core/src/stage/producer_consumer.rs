//! The trait of a stage that transforms events.

use std::future::{Future, ready};

use super::let_go::LetGo;
use super::unused::Unused;
use super::{Context, Emitter, Events, Init};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::options::DiscardLog;
use crate::credit::demand::Demand;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Transforms batches of events: each event into one, none, or many.
///
/// It takes events in only while its own subscribers have demand; output beyond the demand is buffered.
///
/// ```
/// use stage_core::{Emitter, Events, ProducerConsumer, StageResult};
///
/// struct Double;
///
/// impl ProducerConsumer for Double {
///     type In = u64;
///     type Out = u64;
///
///     async fn handle_events(&mut self, events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
///         out.extend(events.into_iter().map(|event| event * 2));
///         Ok(())
///     }
/// }
/// ```
///
/// The other callbacks are optional. This step asks its producer for exactly as much as its own subscribers ask of it:
///
/// ```
/// use stage_core::spawn::{DiscardLog, StageOptions, producer_consumer};
/// use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::{
///     BoxError, Context, Demand, Emitter, Events, ExitReason, Init, ProducerConsumer, StageResult, SubscribeOptions,
/// };
///
/// #[derive(Default)]
/// struct Exact {
///     source: Option<Subscription>,
/// }
///
/// impl ProducerConsumer for Exact {
///     type In = u32;
///     type Out = u32;
///
///     const ASKS_BY_ITSELF: bool = true;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         println!("{} begins", cx.name());
///         Ok(Init::Ready)
///     }
///
///     async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
///         out.forward(events);
///         Ok(())
///     }
///
///     async fn handle_demand(&mut self, demand: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
///         if let Some(source) = &self.source {
///             source.ask(demand);
///         }
///         Ok(())
///     }
///
///     async fn handle_subscribe(
///         &mut self,
///         peer: Role,
///         subscription: &Subscription,
///         _: &mut Emitter<'_, u32>,
///     ) -> Result<Asking, BoxError> {
///         if peer == Role::Producer {
///             self.source = Some(subscription.clone());
///         }
///         Ok(Asking::Manual)
///     }
///
///     async fn handle_cancel(
///         &mut self,
///         peer: Role,
///         _: &Subscription,
///         _: &Cancellation,
///         _: &mut Emitter<'_, u32>,
///     ) -> StageResult {
///         if peer == Role::Producer {
///             self.source = None;
///         }
///         Ok(())
///     }
///
///     fn handle_discarded(&mut self, events: usize) -> DiscardLog {
///         println!("{events} events are lost");
///         DiscardLog::Silent
///     }
///
///     async fn terminate(&mut self, reason: &ExitReason) {
///         println!("the step {reason}");
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let step = producer_consumer(Exact::default(), StageOptions::named("exact")).await?;
/// let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
/// step.subscribe(&source.producer(), SubscribeOptions::new()).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
/// consumer.ask(3);
/// assert_eq!(source.next_demand().await, 3);
/// source.emit([1, 2, 3]);
/// assert_eq!(consumer.next_batch().await, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a step: it is not a `ProducerConsumer`",
    label = "not a `ProducerConsumer`",
    note = "implement `stage_core::ProducerConsumer` for it, or write the step as a closure of one event"
)]
pub trait ProducerConsumer: Send + 'static {
    /// The type of the events it takes.
    type In: Send + 'static;
    /// The type of the events it emits.
    type Out: Send + 'static;

    /// Whether each emitted event is a batch of many events taken. The `max_demand` of a pipeline counts
    /// events, so a step after such a stage does not inherit it as a number of batches; see
    /// [`StepOptions::max_demand`](crate::StepOptions::max_demand).
    const BATCHES: bool = false;

    /// Whether the stage takes events in while its own subscribers ask for nothing, like one that keeps only
    /// the latest event. Such a stage emits at most as many events as [`Emitter::demand`] returns and holds the
    /// others itself: events beyond the demand wait in a buffer without a limit.
    const AHEAD_OF_DEMAND: bool = false;

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
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;

    /// Called when subscribers want `demand` more events than are available or were announced before. The
    /// engine handles the demand by itself; a stage that limits or shapes it can use [`Asking::Manual`] and
    /// ask its producers for as much as it lets through.
    fn handle_demand(
        &mut self,
        demand: Demand,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (demand, out);
        Unused
    }

    /// Called for a producer (`peer`) before this stage subscribes to it: the result decides who asks for
    /// events, the engine or the stage itself, by [`Subscription::ask`]. Also called for a consumer that has
    /// subscribed to this stage; the result is then ignored, because the consumer's side decides.
    fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = Result<Asking, BoxError>> + Send {
        let _ = (peer, subscription, out);
        ready(Ok(Asking::Automatic))
    }

    /// Called when the subscription to a producer, or of a consumer, has ended. After that of a producer, the
    /// stage acts by the subscription's [`CancelMode`](crate::CancelMode).
    fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send {
        let _ = (peer, subscription, cancellation, out);
        ready(Ok(()))
    }

    /// Called after the callback that emitted them if `events` events were discarded, because the buffer was
    /// full or no subscriber accepts them. Returns whether a warning is logged as well. They are counted in
    /// any case.
    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        let _ = events;
        DiscardLog::Warn
    }

    /// Gives the stage the ways in which it lets go of an event, which depend on whether events travel as
    /// deliveries. Called before `init` by the chain that declares the stage.
    #[doc(hidden)]
    fn let_go_by(&mut self, let_go: LetGo<Self::In>) {
        let _ = let_go;
    }

    /// Runs when the stage ends, unless it panicked or was cut off.
    fn terminate(&mut self, reason: &ExitReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        ready(())
    }
}
