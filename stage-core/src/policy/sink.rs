//! A consumer that handles its events one by one, with a policy for failures.

use std::fmt;
use std::marker::PhantomData;

use super::caller::{Called, Caller, Losses};
use super::carry::Carry;
use super::each_event::EachEvent;
use super::failure_policy::FailurePolicy;
use super::skip::Skip;
use crate::base::error::{BoxError, StageResult};
use crate::stage::{Consumer, Context, Events};
use crate::sync::Arc;

/// The stage of an [`EachEvent`] at the end of a pipeline: results are dropped, and handled deliveries are
/// acknowledged.
pub(crate) struct EventSink<H: EachEvent, C> {
    caller: Caller<H>,
    skip: Skip,
    carry: PhantomData<fn() -> C>,
}

impl<H: EachEvent, C: Carry> EventSink<H, C> {
    /// Creates a sink that handles events with the handler made by `recipe`.
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

impl<H: EachEvent, C: Carry> Consumer for EventSink<H, C> {
    type Event = C::Of<H::In>;

    async fn handle_events(&mut self, events: Events<'_, Self::Event>, cx: &mut Context<'_>) -> StageResult {
        let mut losses = Losses::default();
        let mut events = events.into_iter();
        for carried in events.by_ref() {
            let (event, mut token) = C::open(carried);
            if self.skip.applies(&mut token, &cx.state.counters) {
                token.acknowledge();
                continue;
            }
            match self.caller.call(event, token, cx.state, &mut losses).await {
                Called::Done(_, token) => token.acknowledge(),
                Called::Lost => {}
                Called::Over => break,
            }
        }
        losses.close(events.len(), cx.state);
        Ok(())
    }
}

impl<H: EachEvent, C> fmt::Debug for EventSink<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").finish_non_exhaustive()
    }
}
