//! A producer that a flow starts, reads, and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stage_core::spawn::DiscardLog;
use stage_core::subscribe::{Cancellation, Subscription};
use stage_core::{BoxError, Context, Demand, Emitter, ExitReason, Init, Producer, StageResult};

use crate::exec::Ends;

/// A user's producer as a stage of a flow.
pub(super) struct OwnedProducer<S> {
    pub(super) stage: S,
    pub(super) ends: Ends,
    /// Whether the producer declined to start.
    pub(super) declined: Arc<AtomicBool>,
}

impl<S: Producer> Producer for OwnedProducer<S> {
    type Event = S::Event;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        let init = self.stage.init(cx).await?;
        self.declined.store(matches!(init, Init::Declined), Ordering::Release);
        Ok(init)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, S::Event>) -> StageResult {
        self.stage.handle_demand(demand, out).await
    }

    async fn handle_subscribe(
        &mut self,
        subscription: &Subscription,
        out: &mut Emitter<'_, S::Event>,
    ) -> StageResult {
        self.stage.handle_subscribe(subscription, out).await
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, S::Event>,
    ) -> StageResult {
        self.stage.handle_cancel(subscription, cancellation, out).await?;
        self.ends.reader_left(subscription, cancellation)
    }

    fn handle_discarded(&mut self, events: usize) -> DiscardLog {
        self.stage.handle_discarded(events)
    }

    async fn terminate(&mut self, reason: &ExitReason) {
        self.stage.terminate(reason).await;
    }
}
