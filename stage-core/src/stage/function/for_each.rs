//! A consumer that calls a function with each event.

use std::fmt;
use std::marker::PhantomData;

use crate::base::error::StageResult;
use crate::stage::{Consumer, Context, Events};

/// Calls a function with each event, in order.
pub struct ForEach<F, E> {
    function: F,
    event: PhantomData<fn(E)>,
}

impl<F: FnMut(E), E> ForEach<F, E> {
    /// Creates a consumer that calls `function`.
    pub fn new(function: F) -> Self {
        Self { function, event: PhantomData }
    }
}

impl<F, E> Consumer for ForEach<F, E>
where
    F: FnMut(E) + Send + 'static,
    E: Send + 'static,
{
    type Event = E;

    async fn handle_events(&mut self, events: Events<'_, E>, _cx: &mut Context<'_>) -> StageResult {
        events.into_iter().for_each(|event| (self.function)(event));
        Ok(())
    }
}

impl<F, E> fmt::Debug for ForEach<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEach").finish_non_exhaustive()
    }
}
