//! How a layer's events are split into windows, and folded.

use std::sync::Arc;

use crate::chain::{Chain, InOf, TimeOf};
use crate::flow::Flow;
use crate::reduce::{Fold, FoldAndEmit};
use crate::reduced::Reduced;
use crate::window::{EventTime, FitsTime, Next, Window};

impl<C: Chain> Flow<C> {
    /// Splits the events that this layer gets into windows, for the reducer that follows.
    pub fn window<K: FitsTime<TimeOf<C>>>(mut self, window: Window<K>) -> Self {
        self.window = window.spec;
        self
    }

    /// Windows that overlap: an event is cloned for each that it belongs to.
    pub fn sliding_window(mut self, window: Window<EventTime>) -> Self
    where
        EventTime: FitsTime<TimeOf<C>>,
        InOf<C>: Clone,
    {
        self.window = window.spec;
        self.copy = Some(InOf::<C>::clone);
        self
    }

    /// Has a function look at the batches that a window gets before they are reduced, and say when the window
    /// is handed out. It has a state of its own for each window, which begins with `init()`. Of no effect
    /// where windows go by event time; takes the place of [`Window::trigger_every`].
    pub fn trigger<A, I, F>(mut self, init: I, function: F) -> Self
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, Vec<InOf<C>>) -> Next<InOf<C>> + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        self.looks = Some(Arc::new(move || {
            let (mut state, function) = (init(), Arc::clone(&function));
            Box::new(move |batch| function(&mut state, batch))
        }));
        self
    }

    /// Folds the events of each window of each stage into a value, beginning with `init()`.
    pub fn reduce<A, I, F>(self, init: I, function: F) -> Reduced<C, Fold<I, F>>
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out) + Send + Sync + 'static,
    {
        Reduced { flow: self, reducer: Fold { init: Arc::new(init), function: Arc::new(function) } }
    }

    /// Folds as [`reduce`](Self::reduce) does, and emits at once what the function returns.
    pub fn emit_and_reduce<A, E, I, F>(self, init: I, function: F) -> Reduced<C, FoldAndEmit<I, F>>
    where
        A: Send + 'static,
        E: IntoIterator<Item: Send + 'static>,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out) -> E + Send + Sync + 'static,
    {
        let (init, function) = (Arc::new(init), Arc::new(function));
        Reduced { flow: self, reducer: FoldAndEmit { init, function } }
    }
}
