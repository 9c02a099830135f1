//! The last step of an acknowledged pipeline: a function of one event.

use std::fmt;
use std::marker::PhantomData;

use crate::ack::{Delivery, Handled};
use crate::base::error::StageResult;
use crate::stage::{Consumer, Context, Events};

/// Calls a function with each event, and acknowledges it when the function has returned: some together, since that is
/// cheaper.
pub(super) struct HandleEach<F, T> {
    function: F,
    handled: Handled,
    events: PhantomData<fn(T)>,
}

impl<F: FnMut(T), T> HandleEach<F, T> {
    pub(super) fn new(function: F) -> Self {
        Self { function, handled: Handled::default(), events: PhantomData }
    }
}

impl<F: FnMut(T) + Send + 'static, T: Send + 'static> Consumer for HandleEach<F, T> {
    type Event = Delivery<T>;

    async fn handle_events(&mut self, events: Events<'_, Delivery<T>>, _: &mut Context<'_>) -> StageResult {
        for delivery in events {
            let (event, token) = delivery.into_parts();
            // If it panics, those before are acknowledged with the end of this stage, and the rest goes back untried.
            (self.function)(event);
            self.handled.add(token);
        }
        self.handled.tell();
        Ok(())
    }
}

impl<F, T> fmt::Debug for HandleEach<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleEach").finish_non_exhaustive()
    }
}
