//! A producer-consumer that a flow starts, feeds, and ends with its input.

use stage_core::spawn::DiscardLog;
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{BoxError, Context, Emitter, Events, ExitReason, Init, ProducerConsumer, StageResult};

use crate::exec::Ends;

/// A user's producer-consumer as a stage of a flow.
pub(super) struct Owned<S> {
    pub(super) stage: S,
    pub(super) ends: Ends,
}

impl<S: ProducerConsumer> ProducerConsumer for Owned<S> {
    type In = S::In;
    type Out = S::Out;

    const AHEAD_OF_DEMAND: bool = S::AHEAD_OF_DEMAND;

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
        let asking = self.stage.handle_subscribe(peer, subscription, out).await?;
        if matches!(peer, Role::Consumer) && self.ends.complete_in_vain() {
            out.finish();
        }
        Ok(asking)
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
            Role::Producer => {
                if self.ends.came_to_its_end(subscription, cancellation) && self.ends.all_came() {
                    out.finish();
                }
                Ok(())
            }
            Role::Consumer => self.ends.reader_left(subscription, cancellation),
        }
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.stage.handle_discarded(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.stage.terminate(reason).await;
    }
}
