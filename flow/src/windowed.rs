//! How a layer's events are split into windows, and folded.

use std::sync::Arc;

use crate::chain::{Chain, InOf, TimeOf};
use crate::flow::Flow;
use crate::reduce::{Alarms, Fold, FoldAndEmit, FoldAndSet};
use crate::reduced::Reduced;
use crate::window::{EventTime, FitsTime, Late, Next, OfEventTime, Window, WindowSpec};

impl<C: Chain> Flow<C> {
    /// Splits the events of this layer into windows, for the reducer that follows. A layer has one window: a
    /// second call replaces the first. A flow with a window and no reducer in the layer does not start.
    pub fn window<K: FitsTime<TimeOf<C>>>(mut self, window: Window<K>) -> Self {
        self.set_window(window.spec);
        self
    }

    /// Splits the events into windows that overlap or leave gaps; an event is cloned for each window that contains
    /// it.
    pub fn sliding_window<K: OfEventTime>(mut self, window: Window<K>) -> Self
    where
        EventTime: FitsTime<TimeOf<C>>,
        InOf<C>: Clone,
    {
        self.set_window(window.spec);
        self.copy = Some(InOf::<C>::clone);
        self
    }

    fn set_window(&mut self, mut window: WindowSpec) {
        self.options.refuse(window.refused.take());
        self.window = window;
    }

    /// Has a function look at the batches that a window gets before they are reduced, and say when the window
    /// is handed out. It has a state of its own for each window, which begins with `init()`.
    ///
    /// Where windows follow each other, it looks at what a batch has for the window. Where they go by event
    /// time, it looks at the events of each window that came with one batch, those of an earlier window
    /// first; at the latest when the window is handed out for another reason. It sees no late events, and an
    /// event of several windows once in each.
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

    /// Gives a function the events that come too late for every window they belong to, as they come to the
    /// layer, before any step of it. Each late event is given once, in the stage that it came to; it is
    /// counted too, if [`count_late`](Window::count_late) is said. Without windows of event time, nothing is
    /// late.
    ///
    /// The function is called by the stage, and waits for nobody: it counts, logs, or sends the event where
    /// somebody takes it, perhaps another flow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::{Flow, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let counts = Flow::from_items([0_i64, 500, 2000, 999, 2500])
    ///     .event_time(|at| *at, Duration::MAX)
    ///     .stages(1)
    ///     .window(Window::fixed(Duration::from_secs(1)))
    ///     .late(move |late| sender.send(late.event).unwrap_or_default())
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .emit_state();
    /// assert_eq!(counts.collect::<Vec<_>>().await?, [2, 2]);
    /// drop(counts);
    /// assert_eq!(receiver.iter().collect::<Vec<_>>(), [999]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// A panic of the function is the end of the flow, as one of a step is.
    pub fn late<F>(mut self, function: F) -> Self
    where
        F: Fn(Late<InOf<C>>) + Send + Sync + 'static,
    {
        self.late = Some(Arc::new(function));
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

    /// Folds as [`reduce`](Self::reduce) does, with a timer of the reducer's own: `init` and the function may
    /// set [`Alarms`], and the window is handed out when one rings. Alarms go by the clock, and end with
    /// their window.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::{Flow, TriggerName};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // A stream that gives three numbers and then nothing: what came is handed out after a pause.
    /// let sums = Flow::from_stream(|| stream::iter([1, 2, 3]).chain(stream::pending()))
    ///     .stages(1)
    ///     .reduce_with_alarms(
    ///         |_| 0,
    ///         |sum, number, alarms| {
    ///             *sum += number;
    ///             alarms.set("pause", Duration::from_millis(10));
    ///         },
    ///     )
    ///     .on_trigger(|sum, trigger| ([(sum, trigger.name.clone())], sum));
    /// assert_eq!(sums.first(1).await?, [(6, TriggerName::Custom("pause".into()))]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reduce_with_alarms<A, I, F>(self, init: I, function: F) -> Reduced<C, FoldAndSet<I, F>>
    where
        A: Send + 'static,
        I: Fn(&mut Alarms) -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out, &mut Alarms) + Send + Sync + 'static,
    {
        Reduced { flow: self, reducer: FoldAndSet { init: Arc::new(init), function: Arc::new(function) } }
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
