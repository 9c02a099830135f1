//! A producer-consumer that turns each event into one other.

use std::fmt;
use std::marker::PhantomData;

use crate::error::StageResult;
use crate::stage::{Emitter, Events, ProducerConsumer};

/// Turns each event into one other by a function, in order.
pub struct MapEach<F, In, Out> {
    function: F,
    types: PhantomData<fn(In) -> Out>,
}

impl<F: FnMut(In) -> Out, In, Out> MapEach<F, In, Out> {
    /// A step that applies `function`.
    pub fn new(function: F) -> Self {
        Self { function, types: PhantomData }
    }
}

impl<F, In, Out> ProducerConsumer for MapEach<F, In, Out>
where
    F: FnMut(In) -> Out + Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    type In = In;
    type Out = Out;

    async fn handle_events(&mut self, events: Events<'_, In>, out: &mut Emitter<'_, Out>) -> StageResult {
        out.extend(events.into_iter().map(&mut self.function));
        Ok(())
    }
}

impl<F, In, Out> fmt::Debug for MapEach<F, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapEach").finish_non_exhaustive()
    }
}
