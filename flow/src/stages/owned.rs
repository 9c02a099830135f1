//! A producer-consumer that a flow starts, feeds, and ends with its input.

use stage_core::{
    Asking, BoxError, Cancellation, Context, DiscardLog, Emitter, Events, ExitReason, Init, ProducerConsumer,
    Role, StageResult, Subscription,
};

use crate::error::{FirstError, FlowError};

/// A user's producer-consumer as a stage of a flow.
pub(super) struct Owned<S> {
    pub(super) stage: S,
    /// How many stages feed it that have not come to their end.
    pub(super) upstream: usize,
    pub(super) consumers: usize,
    pub(super) first_error: FirstError,
}

impl<S: ProducerConsumer> ProducerConsumer for Owned<S> {
    type In = S::In;
    type Out = S::Out;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        self.stage.init(cx).await
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, S::In>,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        self.stage.handle_events(events, out).await
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, S::Out>,
    ) -> Result<Asking, BoxError> {
        self.stage.handle_subscribe(peer, subscription, out).await
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Out>,
    ) -> StageResult {
        self.stage.handle_cancel(peer, subscription, cancellation, out).await?;
        match peer {
            Role::Producer if matches!(cancellation.reason, ExitReason::Normal) => {
                self.upstream = self.upstream.saturating_sub(1);
                if self.upstream == 0 {
                    out.finish();
                }
            }
            Role::Producer => self.first_error.note(|| FlowError::Stage {
                stage: subscription.producer().to_string(),
                reason: cancellation.reason.clone(),
            }),
            Role::Consumer => {
                self.consumers = self.consumers.saturating_sub(1);
                if self.consumers == 0 {
                    return Err(ExitReason::Normal.into());
                }
            }
        }
        Ok(())
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.stage.handle_discarded(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.stage.terminate(reason).await;
    }
}
