//! Messages to a stage beside its events: calls, which are answered, and casts, which are not.

use std::fmt;
use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::Emitter;
use super::reply::{Held, Reply};
use crate::base::error::{ExitReason, StageResult};
use crate::base::options::DemandMode;
use crate::wire::mailbox::{Join, Mail};
use crate::wire::subscription::Subscription;

/// A stage that answers messages of type `M`.
pub trait Call<M>: Send + 'static {
    /// What it may emit meanwhile: the stage's own event, [`Nothing`](crate::Nothing) for a consumer.
    type Out: Send + 'static;
    /// The answer.
    type Reply: Send + 'static;

    /// Handles one message. The answer may be given now (it goes out behind what the callback emits), or
    /// be kept and given later, from any task.
    fn handle_call(
        &mut self,
        message: M,
        reply: Reply<Self::Reply>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;
}

/// A stage that takes messages of type `M` without answering.
pub trait Cast<M>: Send + 'static {
    /// What it may emit meanwhile: the stage's own event, [`Nothing`](crate::Nothing) for a consumer.
    type Out: Send + 'static;

    /// Handles one message.
    fn handle_cast(
        &mut self,
        message: M,
        out: &mut Emitter<'_, Self::Out>,
    ) -> impl Future<Output = StageResult> + Send;
}

/// A call that got no answer.
#[derive(Clone, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The stage had ended before the message reached it.
    #[error("the stage `{stage}` takes no more messages: it {reason}")]
    Ended {
        /// The stage that was addressed.
        stage: String,
        /// Why it ended.
        #[source]
        reason: ExitReason,
    },
    /// There is no such stage.
    #[error("there is no stage `{stage}` of type `{expected}` in the pipeline")]
    NoSuchStage {
        /// The stage that was addressed, as `step/copy`.
        stage: String,
        /// The type it was taken to have.
        expected: &'static str,
    },
    /// A callback left a message for itself, and gave the wrong type for itself.
    #[error("a callback of `{stage}` cannot leave a message for a `{expected}`: name its own type, `Self`")]
    OtherStage {
        /// The stage whose callback it is.
        stage: &'static str,
        /// The type that was given.
        expected: &'static str,
    },
    /// The stage took the call and dropped its [`Reply`], or ended before it answered.
    #[error("the stage `{stage}` took the call and did not answer it")]
    Unanswered {
        /// The stage that was called.
        stage: String,
    },
}

/// What a stage sees to between its other callbacks.
#[derive(Debug)]
pub(crate) enum Message<S, In, Out> {
    /// A call or a cast together with the callback that takes it.
    Envelope(Box<dyn Envelope<S, Out>>),
    /// The same, to be handled behind everything that waits in the stage; who asked is told once it is
    /// queued.
    Info(Box<dyn Envelope<S, Out>>, Option<oneshot::Sender<()>>),
    /// A subscription to be made.
    Join(Join<In>),
    /// Somebody wants to know how the stage stands.
    Inspect(oneshot::Sender<Inspection>),
}

/// How a stage stands at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Events it emitted that were not handed out yet.
    pub buffered: usize,
    /// Events its subscribers want and it has not got.
    pub demand: usize,
    /// Whether demand reaches its callbacks.
    pub mode: DemandMode,
    /// Its subscriptions to producers.
    pub producers: Vec<Subscription>,
    /// The subscriptions of its consumers.
    pub consumers: Vec<Subscription>,
}

/// What reaches a stage `S` that takes `In` and emits `Out`, beside its links.
pub(crate) type StageMail<S, In, Out> = Mail<Out, Message<S, In, Out>>;

/// Knows which callback a message is for; its type is erased once per message.
pub(crate) trait Envelope<S, Out>: Send {
    /// What holds the answer back while the callback runs, if the message is a call.
    fn held(&self) -> Option<Held> {
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

/// A call that was sent.
pub(crate) struct CallOf<M, R> {
    pub(crate) message: M,
    pub(crate) reply: Reply<R>,
}

impl<S, M> Envelope<S, S::Out> for CallOf<M, S::Reply>
where
    S: Call<M>,
    M: Send + 'static,
{
    fn held(&self) -> Option<Held> {
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

/// A cast that was sent.
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
