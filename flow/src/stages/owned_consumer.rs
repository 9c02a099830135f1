//! A consumer that a flow starts, feeds, and ends with its input.

use stage_core::subscribe::{Asking, Cancellation, Subscription};
use stage_core::{BoxError, Consumer, Context, Events, ExitReason, Init, StageResult};

use crate::exec::Ends;

/// A user's consumer as a stage of a flow.
pub(super) struct OwnedConsumer<S> {
    pub(super) stage: S,
    pub(super) ends: Ends,
    pub(super) life: Life,
}

/// Whether the consumer is a restarted instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    First,
    /// A restarted instance: its producers may have ended in the meantime.
    Again,
}

impl<S: Consumer> Consumer for OwnedConsumer<S> {
    type Event = S::Event;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if self.ends.all_came() {
            cx.finish();
        }
        self.stage.init(cx).await
    }

    async fn handle_events(&mut self, events: Events<'_, S::Event>, cx: &mut Context<'_>) -> StageResult {
        self.stage.handle_events(events, cx).await
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        cx: &mut Context<'_>,
    ) -> Result<Asking, BoxError> {
        self.stage.handle_subscribe(subscription, cx).await
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        cx: &mut Context<'_>,
    ) -> StageResult {
        self.stage.handle_cancel(subscription, cancellation, cx).await?;
        if self.life == Life::Again && matches!(cancellation.reason, ExitReason::NotFound) {
            self.ends.one_is_over();
        } else if !self.ends.came_to_its_end(subscription, cancellation) {
            return Ok(());
        }
        if self.ends.all_came() {
            cx.finish();
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.stage.terminate(reason).await;
    }
}
