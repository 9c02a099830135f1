//! The consumer of an acknowledged chain that calls a function with each event.

use std::fmt;
use std::marker::PhantomData;

use super::skip::Skip;
use crate::ack::{Delivery, Handled};
use crate::base::error::StageResult;
use crate::base::stats::Counters;
use crate::stage::{Consumer, Context, Events};

/// Calls a function with each event, and acknowledges the event when the function has returned; several
/// events are acknowledged together, since that is cheaper.
pub(super) struct HandleEach<F, T> {
    function: F,
    skip: Skip,
    handled: Handled,
    events: PhantomData<fn(T)>,
}

impl<F: FnMut(T), T> HandleEach<F, T> {
    pub(super) fn new(function: F, skip: Skip) -> Self {
        Self { function, skip, handled: Handled::default(), events: PhantomData }
    }

    /// Not part of the future, whose variables lie in memory.
    fn handle(&mut self, events: Events<'_, Delivery<T>>, counters: &Counters) {
        let skip = self.skip;
        for mut delivery in events {
            // On a panic, the earlier events are acknowledged at the end of this stage, and the rest of the
            // batch returns untried.
            let token = if skip.applies(delivery.token_mut(), counters) {
                delivery.into_parts().1
            } else {
                delivery.handle(|event| (self.function)(event)).1
            };
            self.handled.add(token);
        }
        self.handled.tell();
    }
}

impl<F: FnMut(T) + Send + 'static, T: Send + 'static> Consumer for HandleEach<F, T> {
    type Event = Delivery<T>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<T>>, cx: &mut Context<'_>) -> StageResult {
        self.handle(events, &cx.state.counters);
        Ok(())
    }
}

impl<F, T> fmt::Debug for HandleEach<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleEach").finish_non_exhaustive()
    }
}
