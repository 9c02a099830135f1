//! The stage and the span that the code on this thread runs for.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;

use super::carried::Trace;
use super::context::TraceContext;
use super::stage_trace::{StageScope, StageTrace};
use crate::base::error::ExitReason;
use crate::base::future::BoxFuture;
use crate::sync::Arc;

thread_local! {
    static STAGE: RefCell<Option<Arc<StageScope>>> = const { RefCell::new(None) };
    static SPAN: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
}

/// Returns the span of the sampled delivery that the caller handles: in functions of acknowledged chains and in
/// handlers with a failure policy, on the thread that polls them. A sink writes it into a `traceparent` header.
/// Stages that take deliveries call [`Delivery::trace_context`](crate::ack::Delivery::trace_context).
pub fn current() -> Option<TraceContext> {
    SPAN.with_borrow(Clone::clone)
}

/// Returns the stage that runs on this thread, if it has a tracer.
pub(super) fn stage() -> Option<Arc<StageScope>> {
    STAGE.with_borrow(Clone::clone)
}

impl StageTrace {
    /// Runs a stage, and ends the batch that it leaves unfinished.
    pub(crate) fn run(self, stage: BoxFuture<'static, ExitReason>) -> BoxFuture<'static, ExitReason> {
        let Some(scope) = self.0 else { return stage };
        Box::pin(async move {
            let _ends = EndsBatch(&scope);
            // Dropped before the batch is given up.
            let mut stage = stage;
            poll_fn(|cx| {
                let _within = InStage(STAGE.replace(Some(Arc::clone(&scope))));
                stage.as_mut().poll(cx)
            })
            .await
        })
    }
}

struct EndsBatch<'a>(&'a StageScope);

impl Drop for EndsBatch<'_> {
    fn drop(&mut self) {
        self.0.abandon_batch();
    }
}

/// Restores the stage that ran before: a stage polls its neighbour.
struct InStage(Option<Arc<StageScope>>);

impl Drop for InStage {
    fn drop(&mut self) {
        STAGE.set(self.0.take());
    }
}

/// While it lives, the span of a delivery is the current one of this thread.
#[must_use = "the span is current until this is dropped"]
pub(crate) struct Scope {
    before: Option<TraceContext>,
    /// The scope that the receiver of the spans has entered.
    _entered: Option<Box<dyn Any>>,
}

impl Scope {
    /// Enters the span that `trace` has in hand, if there is one.
    #[inline]
    pub(crate) fn of(trace: &Trace) -> Option<Self> {
        let (context, stage) = trace.in_hand()?;
        let entered = stage.tracer.receiver.enter(&context);
        Some(Self { before: SPAN.replace(Some(context)), _entered: entered })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        SPAN.set(self.before.take());
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Runs `work` with the span that `trace` has in hand as the current one.
pub(crate) async fn in_span<F: Future>(trace: &Trace, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _within = Scope::of(trace);
        work.as_mut().poll(cx)
    })
    .await
}
