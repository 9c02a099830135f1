//! A producer-consumer that handles its events one by one, with a policy for failures.

use std::fmt;
use std::marker::PhantomData;

use super::caller::{Called, Caller, Losses};
use super::carry::Carry;
use super::each_event::EachEvent;
use super::failure_policy::FailurePolicy;
use super::skip::Skip;
use crate::base::error::{BoxError, StageResult};
use crate::stage::{Emitter, Events, ProducerConsumer};
use crate::sync::Arc;

/// The stage of an [`EachEvent`] that passes results on; `C` determines whether events are deliveries.
pub(crate) struct EventStep<H: EachEvent, C> {
    caller: Caller<H>,
    skip: Skip,
    carry: PhantomData<fn() -> C>,
}

impl<H: EachEvent, C: Carry> EventStep<H, C> {
    /// Creates a step that handles events with the handler made by `recipe`.
    ///
    /// # Errors
    ///
    /// The error of the recipe.
    pub(crate) fn new(
        policy: FailurePolicy<H::In>,
        skip: Skip,
        recipe: impl Fn() -> Result<H, BoxError> + Send + Sync + 'static,
    ) -> Result<Self, BoxError> {
        Ok(Self { caller: Caller::new(Arc::new(recipe), policy)?, skip, carry: PhantomData })
    }
}

impl<H: EachEvent, C: Carry> ProducerConsumer for EventStep<H, C> {
    type In = C::Of<H::In>;
    type Out = C::Of<H::Out>;

    async fn handle_events(
        &mut self,
        events: Events<'_, Self::In>,
        out: &mut Emitter<'_, Self::Out>,
    ) -> StageResult {
        let mut losses = Losses::default();
        let mut events = events.into_iter();
        for carried in events.by_ref() {
            let (event, mut token) = C::open(carried);
            if self.skip.applies(&mut token, &out.state.counters) {
                token.acknowledge();
                continue;
            }
            match self.caller.call(event, token, out.state, &mut losses).await {
                Called::Done(Some(made), token) => out.emit(C::close(made, token)),
                Called::Done(None, token) => token.acknowledge(),
                Called::Lost => {}
                Called::Over => break,
            }
        }
        losses.close(events.len(), out.state);
        Ok(())
    }
}

impl<H: EachEvent, C> fmt::Debug for EventStep<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStep").finish_non_exhaustive()
    }
}
