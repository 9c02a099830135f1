//! The callbacks of a stage beside those for events and demand. They are rare, so one future per type of stage serves
//! them all; what surrounds it is compiled once, in this crate.

use std::any::Any;
use std::task::Context;

use tracing::Span;

use super::attend::attend;
use super::io::StageIo;
use super::kind::Kind;
use super::stage_loop::{Between, close_span};
use crate::base::error::{BoxError, ExitReason, StageResult};
use crate::base::future::BoxFuture;
use crate::base::stats::{StageState, Timekeeper};
use crate::stage::{Emitter, Envelope, Erased, HeldAnswer, Init, downcast};
use crate::sync::Mutex;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// A callback to run.
pub(crate) enum Hook<'a> {
    Init,
    /// A call or a cast: an `Envelope` in a box. The handle that holds an answer back is put into the second field.
    Message(Erased, &'a mut Option<HeldAnswer>),
    Subscribed(Role, &'a Subscription),
    Cancelled(Role, &'a Subscription, &'a Cancellation),
    Terminate(&'a ExitReason),
}

/// The output of a callback.
#[derive(Clone, Copy)]
pub(crate) enum HookOutput {
    None,
    Init(Init),
    Asking(Asking),
}

/// The result of a callback that returned; a panic is an error beside it.
pub(crate) type HookResult = Result<HookOutput, BoxError>;

/// A callback that was not polled yet, with what the engine uses while it waits.
pub(in crate::engine) struct PendingHook<'a> {
    pub(super) callback: BoxFuture<'a, HookResult>,
    pub(super) beside: &'a mut dyn Beside,
    /// The events that the callback flushed.
    pub(super) flushed: &'a (dyn Any + Send + Sync),
    pub(super) timekeeper: &'a mut Timekeeper,
    pub(super) span: &'a mut Span,
}

/// The parts of a stage that keep working while a callback waits, without their types.
pub(in crate::engine) trait Beside: Send {
    /// Does the engine's work; returns the state of the stage.
    fn work(&mut self, cx: &mut Context<'_>, flushed: &(dyn Any + Send + Sync)) -> StageState;
}

impl<K: Kind> Beside for StageIo<K> {
    fn work(&mut self, cx: &mut Context<'_>, flushed: &(dyn Any + Send + Sync)) -> StageState {
        match flushed.downcast_ref::<Mutex<Vec<K::Out>>>() {
            Some(flushed) => Self::work(self, cx, flushed),
            None => self.pending_state(),
        }
    }
}

/// Opens a message of a stage, unless it is for another type of stage.
pub(super) fn opened<'a, S: 'static, Out: 'static>(
    message: Erased,
    held: &mut Option<HeldAnswer>,
    stage: &'a mut S,
    out: &'a mut Emitter<'_, Out>,
) -> Option<BoxFuture<'a, StageResult>> {
    let message = downcast::<Box<dyn Envelope<S, Out>>>(message)?;
    *held = message.held();
    Some(message.open(stage, out))
}

/// Runs a callback and hands out the events that it emitted.
pub(in crate::engine) async fn run_hook(
    stage: &mut dyn Between,
    hook: Hook<'_>,
) -> Result<HookOutput, ExitReason> {
    let result = {
        let PendingHook { mut callback, beside, flushed, timekeeper, span } = stage.begin(hook);
        let result = attend(callback.as_mut(), span, timekeeper, &mut |cx| beside.work(cx, flushed)).await;
        close_span(span);
        result
    };
    match result {
        Ok(Ok(output)) => {
            stage.hand_out();
            Ok(output)
        }
        Ok(Err(error)) => Err(stage.failed(ExitReason::from(error))),
        Err(panicked) => Err(stage.failed(panicked)),
    }
}

/// Runs the first or the last callback of a stage: no events are handed out, and no mail is read meanwhile.
pub(in crate::engine) async fn run_hook_alone(
    stage: &mut dyn Between,
    hook: Hook<'_>,
) -> Result<HookResult, ExitReason> {
    let PendingHook { mut callback, timekeeper, .. } = stage.begin(hook);
    attend(callback.as_mut(), &Span::none(), timekeeper, &mut |_| StageState::Waiting).await
}
