//! A producer-consumer that maps each event to one other event.

use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;

use crate::base::error::StageResult;
use crate::stage::{Emitter, Events, ProducerConsumer};

/// Maps each event with a function, in order. If the type stays the same, the input's buffer is reused.
pub struct MapEach<F, In, Out> {
    function: F,
    types: PhantomData<fn(In) -> Out>,
}

impl<F: FnMut(In) -> Out, In, Out> MapEach<F, In, Out> {
    /// Creates a step that applies `function`.
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
        // A closure, and not `&mut self.function`, whose calls are not inlined: the events would go through memory.
        let map = |event| (self.function)(event);
        if TypeId::of::<In>() != TypeId::of::<Out>() || !out.buffer.is_empty() {
            out.extend(events.into_iter().map(map));
            return Ok(());
        }
        // For equal types, the standard library collects into the source's own buffer.
        let mapped = std::mem::take(events.buffer).into_iter().map(map).collect();
        give_back(events.buffer, std::mem::replace(out.buffer, mapped));
        Ok(())
    }
}

/// Replaces the input's buffer by an emptied one, to be returned to the producer.
fn give_back<Out: 'static>(place: &mut dyn Any, emptied: Vec<Out>) {
    if let Some(place) = place.downcast_mut() {
        *place = emptied;
    }
}

impl<F, In, Out> fmt::Debug for MapEach<F, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapEach").finish_non_exhaustive()
    }
}
