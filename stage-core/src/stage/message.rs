//! Messages to a stage other than events: calls, which are answered, and casts, which are not.

use std::fmt;
use std::future::Future;

use tokio::sync::oneshot;

use super::Emitter;
use super::effect::Erased;
use super::reply::{HeldAnswer, Reply};
use crate::base::error::{ExitReason, StageResult};
use crate::base::future::{BoxFuture, FutureExt};
use crate::base::options::DemandMode;
use crate::wire::mailbox::Mailbox;
use crate::wire::subscription::Subscription;

/// A stage that answers messages of type `M`.
pub trait Call<M>: Send + 'static {
    /// The type it may emit meanwhile: the stage's own event, or [`Nothing`](crate::Nothing) for a consumer.
    type Out: Send + 'static;
    /// The answer.
    type Reply: Send + 'static;

    /// Handles one message. The answer may be sent now (it leaves after the events that the callback emits),
    /// or be kept and sent later, from any task.
    fn handle_call(
        &mut self,
        message: M,
        reply: Reply<Self::Reply>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;
}

/// A stage that handles messages of type `M` without answering.
pub trait Cast<M>: Send + 'static {
    /// The type it may emit meanwhile: the stage's own event, or [`Nothing`](crate::Nothing) for a consumer.
    type Out: Send + 'static;

    /// Handles one message.
    fn handle_cast(
        &mut self,
        message: M,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;
}

/// The error of a call without an answer, or of a message that was not accepted.
#[derive(Clone, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The stage had ended before the message reached it.
    #[error("the stage `{stage}` accepts no more messages: it {reason}")]
    Ended {
        /// The stage addressed.
        stage: String,
        /// The reason it ended.
        #[source]
        reason: ExitReason,
    },
    /// The pipeline has no such stage.
    #[error("there is no stage `{stage}` of type `{expected}` in the pipeline")]
    NoSuchStage {
        /// The stage addressed, as `step/copy`.
        stage: String,
        /// The type that the caller expected.
        expected: &'static str,
    },
    /// A callback left a message for its own stage, but named another stage type.
    #[error(
        "a callback of `{stage}` cannot send itself a message as `{expected}`: name its own type, `Self`"
    )]
    OtherStage {
        /// The stage of the callback.
        stage: String,
        /// The type named.
        expected: &'static str,
    },
    /// The stage took the call, and dropped its [`Reply`] or ended before it answered.
    #[error("the stage `{stage}` took the call but did not answer it")]
    Unanswered {
        /// The stage called.
        stage: String,
    },
}

/// A request that a stage handles between its other callbacks. Its types are erased, so that the code around the callback
/// is compiled once.
#[derive(Debug)]
pub(crate) enum Message {
    /// A call or a cast: an `Envelope` in a box.
    Envelope(Erased),
    /// A call or a cast to be handled after everything that waits in the stage. The sender is notified once
    /// it is queued.
    Info(Erased, Option<oneshot::Sender<()>>),
    /// A subscription to make: a `Join`.
    Join(Erased),
    /// A request for the state of the stage.
    Inspect(oneshot::Sender<Inspection>),
}

/// Erases the types of an envelope for a stage `S` that emits `Out`.
pub(crate) fn erase<S: 'static, Out: 'static>(envelope: impl Envelope<S, Out> + 'static) -> Erased {
    let envelope: Box<dyn Envelope<S, Out>> = Box::new(envelope);
    Box::new(envelope)
}

/// The state of a stage at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Events emitted and not yet sent.
    pub buffered: usize,
    /// The unmet demand of its subscribers.
    pub demand: usize,
    /// Whether demand reaches its callbacks.
    pub mode: DemandMode,
    /// Its subscriptions to producers.
    pub producers: Vec<Subscription>,
    /// The subscriptions of its consumers.
    pub consumers: Vec<Subscription>,
}

/// The mailbox of a stage `S` that takes `In` and emits `Out`.
pub(crate) type StageMailbox<S, In, Out> = Mailbox<(S, In, Out)>;

/// A message with its callback; the message's type is erased.
pub(crate) trait Envelope<S, Out>: Send {
    /// Returns the handle that holds the answer back while the callback runs, if the message is a call.
    fn held(&self) -> Option<HeldAnswer> {
        None
    }

    /// Runs the callback.
    fn open<'a>(
        self: Box<Self>,
        stage: &'a mut S,
        out: &'a mut Emitter<'_, Out>,
    ) -> BoxFuture<'a, StageResult>;
}

impl<S, Out> fmt::Debug for dyn Envelope<S, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope")
    }
}

/// A sent call.
pub(crate) struct CallOf<M, R> {
    pub(crate) message: M,
    pub(crate) reply: Reply<R>,
}

impl<S, M> Envelope<S, S::Out> for CallOf<M, S::Reply>
where
    S: Call<M>,
    M: Send + 'static,
{
    fn held(&self) -> Option<HeldAnswer> {
        Some(self.reply.held())
    }

    fn open<'a>(
        self: Box<Self>,
        stage: &'a mut S,
        out: &'a mut Emitter<'_, S::Out>,
    ) -> BoxFuture<'a, StageResult> {
        let Self { message, reply } = *self;
        stage.handle_call(message, reply, out).boxed()
    }
}

/// A sent cast.
pub(crate) struct CastOf<M>(pub(crate) M);

impl<S, M> Envelope<S, S::Out> for CastOf<M>
where
    S: Cast<M>,
    M: Send + 'static,
{
    fn open<'a>(
        self: Box<Self>,
        stage: &'a mut S,
        out: &'a mut Emitter<'_, S::Out>,
    ) -> BoxFuture<'a, StageResult> {
        stage.handle_cast(self.0, out).boxed()
    }
}
