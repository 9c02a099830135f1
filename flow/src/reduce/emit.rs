//! What is handed out of a window's value at a trigger.

use std::fmt;
use std::sync::Arc;

use crate::window::Trigger;

/// Hands something out of a value of type `A`.
pub trait Emit<A>: Clone + Send + Sync + 'static {
    /// What is handed out.
    type Out: Send + 'static;

    /// Gives `sink` what is handed out; returns the value with which the window goes on. After the last
    /// trigger of a window it does not go on; nothing needs to be returned then.
    #[doc(hidden)]
    fn emit<K: FnMut(Self::Out)>(&self, acc: A, trigger: &Trigger, sink: &mut K) -> Option<A>;
}

/// Hands out what the value consists of, and keeps it.
#[derive(Clone, Copy, Debug)]
pub struct EmitEvents;

/// Hands out the value as one event, and keeps it.
#[derive(Clone, Copy, Debug)]
pub struct EmitState;

/// Hands out nothing, and keeps the value.
pub struct EmitNothing<U> {
    pub(crate) emits: std::marker::PhantomData<fn() -> U>,
}

/// Hands out what a function says.
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
