//! What a trigger emits from the value of a window.

use std::fmt;
use std::sync::Arc;

use crate::window::Trigger;

/// Emits events from a value of type `A`.
pub trait Emit<A>: Clone + Send + Sync + 'static {
    /// The type of the emitted events.
    type Out: Send + 'static;

    /// Passes the emitted events to `sink`; returns the value with which the window continues. The return
    /// value is not used after the last trigger of a window, so it may be `None` then.
    #[doc(hidden)]
    fn emit<K: FnMut(Self::Out)>(&self, acc: A, trigger: &Trigger, sink: &mut K) -> Option<A>;
}

/// Emits the items of the value, and keeps the value.
#[derive(Clone, Copy, Debug)]
pub struct EmitEvents;

/// Emits the value as one event, and keeps it.
#[derive(Clone, Copy, Debug)]
pub struct EmitState;

/// Emits nothing, and keeps the value.
pub struct EmitNothing<U> {
    pub(crate) emits: std::marker::PhantomData<fn() -> U>,
}

/// Emits the results of a function.
pub struct OnTrigger<F> {
    pub(crate) function: Arc<F>,
}

impl<F> Clone for OnTrigger<F> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function) }
    }
}

impl<F> fmt::Debug for OnTrigger<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnTrigger").finish_non_exhaustive()
    }
}

impl<U> Clone for EmitNothing<U> {
    fn clone(&self) -> Self {
        Self { emits: self.emits }
    }
}

impl<U> fmt::Debug for EmitNothing<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmitNothing").finish()
    }
}

impl<A> Emit<A> for EmitEvents
where
    A: IntoIterator<Item: Send + 'static> + Clone,
{
    type Out = A::Item;

    fn emit<K: FnMut(A::Item)>(&self, acc: A, trigger: &Trigger, sink: &mut K) -> Option<A> {
        if trigger.is_done() {
            acc.into_iter().for_each(sink);
            return None;
        }
        acc.clone().into_iter().for_each(sink);
        Some(acc)
    }
}

impl<A: Clone + Send + 'static> Emit<A> for EmitState {
    type Out = A;

    fn emit<K: FnMut(A)>(&self, acc: A, trigger: &Trigger, sink: &mut K) -> Option<A> {
        if trigger.is_done() {
            sink(acc);
            return None;
        }
        sink(acc.clone());
        Some(acc)
    }
}

impl<A, U: Send + 'static> Emit<A> for EmitNothing<U> {
    type Out = U;

    fn emit<K: FnMut(U)>(&self, acc: A, _trigger: &Trigger, _sink: &mut K) -> Option<A> {
        Some(acc)
    }
}

impl<A, I, F> Emit<A> for OnTrigger<F>
where
    I: IntoIterator<Item: Send + 'static>,
    F: Fn(A, &Trigger) -> (I, A) + Send + Sync + 'static,
{
    type Out = I::Item;

    fn emit<K: FnMut(I::Item)>(&self, acc: A, trigger: &Trigger, sink: &mut K) -> Option<A> {
        let (events, next) = (self.function)(acc, trigger);
        events.into_iter().for_each(sink);
        Some(next)
    }
}
