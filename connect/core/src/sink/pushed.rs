//! The sink of deliveries on a [`Push`].

use std::fmt;
use std::time::Duration;

use stage_core::ack::{Delivery, Token};
use stage_core::stage::Cast;
use stage_core::subscribe::{Cancellation, Subscription};
use stage_core::{BoxError, Consumer, Context, Emitter, Events, Init, Nothing, StageResult};
use tokio::time::Instant;

use super::gathered::Gathered;
use super::shows::Shows;
use super::storing::Storing;
use super::tokens::Tokens;
use crate::message_id::MessageId;
use crate::push::Push;
use crate::push_options::PushOptions;

/// Creates a sink that stores the events of an acknowledged pipeline. A delivery is acknowledged once the server has
/// stored its message durably.
///
/// ```no_run
/// use stage_connect::{Pull, PullOptions, Push, PushOptions, sink, source};
/// use stage_core::Pipeline;
///
/// fn copy<F, T>(from: impl Fn() -> F + Send + 'static, to: impl Fn() -> T + Send + 'static) -> Pipeline
/// where
///     F: Pull<Message = String>,
///     T: Push<Message = String>,
/// {
///     Pipeline::builder("copy")
///         .start("from", move || Ok(source::pulled(from(), PullOptions::new())))
///         .finish("to", move || Ok(sink::pushed(to(), PushOptions::new())))
/// }
/// ```
///
/// Each batch is stored as it arrives; [`PushOptions::linger`] makes the sink gather small batches.
///
/// # Errors
///
/// The sink connects when the pipeline starts. A [fatal](crate::ConnectError::fatal) error is returned by the start, or
/// ends the pipeline later. While the server is away or full, the sink waits, and so does everything before it; the
/// pipeline keeps running, [`stalls`](stage_core::Running::stalls) and the board name the server, and a drain waits until
/// its deadline, or for at most 2 s if there is nothing to store. A message that the server refuses for good is rejected as hopeless,
/// which makes it a dead letter of its source. After a [fenced](crate::ConnectError::fenced) error the stage is restarted
/// by its recipe. The deliveries in hand are then rejected as untried.
pub fn pushed<P: Push>(push: P, options: PushOptions<P::Message>) -> PushedSink<P> {
    PushedSink { storing: Storing::new(push, options), gathered: Gathered::new(), is_scheduled: false }
}

/// The sink made by [`pushed`].
///
/// ```
/// use stage_connect::sink::{self, PushedSink};
/// use stage_connect::{Push, PushOptions};
///
/// /// Makes a sink that stores few messages at a time.
/// fn carefully<P: Push>(push: P) -> PushedSink<P> {
///     sink::pushed(push, PushOptions::new().at_most(10))
/// }
/// ```
#[must_use = "a sink does nothing outside of a pipeline"]
pub struct PushedSink<P: Push> {
    storing: Storing<P>,
    gathered: Gathered<P::Message>,
    /// Whether a [`Due`] is under way.
    is_scheduled: bool,
}

/// Asks the sink to store messages that have waited long enough.
struct Due;

/// Asks the sink to connect, although it has nothing to store.
struct Reconnect;

/// Returns the message of a delivery, with its trace, and the token.
fn taken<P: Push>(delivery: Delivery<P::Message>) -> (P::Message, Token) {
    #[cfg(feature = "trace")]
    if let Some(context) = delivery.trace_context() {
        let (mut message, token) = delivery.into_parts();
        crate::trace::write::<P>(&mut message, &context);
        return (message, token);
    }
    delivery.into_parts()
}

impl<P: Push> PushedSink<P> {
    /// Stores the messages that are due, and returns the time until the others are, unless it is scheduled already.
    async fn store_due(&mut self, cx: &mut impl Shows) -> Result<Option<Duration>, BoxError> {
        let linger = self.storing.options().linger;
        loop {
            let now = Instant::now();
            let (messages, tokens) = self.gathered.take_due(linger, now);
            if messages.is_empty() {
                let due = self.gathered.due(linger).filter(|_| !self.is_scheduled);
                self.is_scheduled |= due.is_some();
                return Ok(due.map(|due| due - now));
            }
            self.store(messages, tokens, cx).await?;
        }
    }

    async fn store(
        &mut self,
        messages: Vec<(MessageId, P::Message)>,
        mut tokens: Tokens,
        cx: &mut impl Shows,
    ) -> StageResult {
        self.storing.store(&messages, cx, |stored| tokens.settle(stored)).await
    }
}

impl<P: Push> Consumer for PushedSink<P> {
    type Event = Delivery<P::Message>;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some(delay) = self.storing.begin(cx).await? {
            cx.schedule::<Self, _>(delay, Reconnect)?;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, Delivery<P::Message>>,
        cx: &mut Context<'_>,
    ) -> StageResult {
        let (messages, tokens): (Vec<_>, Vec<_>) = events
            .into_iter()
            .map(taken::<P>)
            .map(|(message, token)| (self.storing.numbered(message), token))
            .unzip();
        let limits = &self.storing.options().call;
        self.gathered.add(messages, tokens.into_iter().collect(), limits, Instant::now());
        if let Some(wait) = self.store_due(cx).await? {
            cx.schedule::<Self, _>(wait, Due)?;
        }
        Ok(())
    }

    async fn handle_cancel(
        &mut self,
        _: &Subscription,
        _: &Cancellation,
        cx: &mut Context<'_>,
    ) -> StageResult {
        let (messages, tokens) = self.gathered.take_all();
        self.store(messages, tokens, cx).await
    }
}

impl<P: Push> Cast<Due> for PushedSink<P> {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Due, out: &mut Emitter<'_, Nothing>) -> StageResult {
        self.is_scheduled = false;
        if let Some(wait) = self.store_due(out).await? {
            out.schedule::<Self, _>(wait, Due)?;
        }
        Ok(())
    }
}

impl<P: Push> Cast<Reconnect> for PushedSink<P> {
    type Out = Nothing;

    async fn handle_cast(&mut self, _: Reconnect, out: &mut Emitter<'_, Nothing>) -> StageResult {
        if let Some(delay) = self.storing.reconnect(out).await? {
            out.schedule::<Self, _>(delay, Reconnect)?;
        }
        Ok(())
    }
}

impl<P: Push> fmt::Debug for PushedSink<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedSink").field("server", &self.storing.server()).finish_non_exhaustive()
    }
}
