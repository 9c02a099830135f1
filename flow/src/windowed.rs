//! The methods that split a layer's events into windows and fold them.

use std::sync::Arc;

use crate::chain::{Chain, InOf, TimeOf};
use crate::flow::Flow;
use crate::reduce::{Alarms, Fold, FoldAndEmit, FoldAndSet, InPlace};
use crate::reduced::Reduced;
use crate::window::{EventTime, FitsTime, Late, Next, OfEventTime, Window, WindowSpec};

impl<C: Chain> Flow<C> {
    /// Splits the events of this layer into windows, for the reducer that follows. A layer has one window: a
    /// second call replaces the first. A flow with a window and no reducer in the layer does not start.
    pub fn window<K: FitsTime<TimeOf<C>>>(mut self, window: Window<K>) -> Self {
        self.set_window(window.spec);
        self
    }

    /// Splits the events into windows that may overlap or leave gaps; an event is cloned for each window that
    /// contains it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::{Flow, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let second = Duration::from_secs(1);
    /// let counts = Flow::from_items([0_i64, 500])
    ///     .event_time(|at| *at, Duration::MAX)
    ///     .stages(1)
    ///     .sliding_window(Window::sliding(2 * second, second))
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .emit_state();
    /// // Both events are in the window from -1 s and in that from 0 s.
    /// assert_eq!(counts.collect::<Vec<_>>().await?, [2, 2]);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Adds a custom trigger: a function that sees the batches of a window before they are reduced, and
    /// decides when the window is emitted. It has its own state for each window, which starts as `init()`.
    ///
    /// For consecutive windows, the function sees the events of a batch that belong to the window. For
    /// windows of event time, it sees the events of each window that arrived with one batch, those of an
    /// earlier window first; at the latest when the window is emitted for another reason. It does not see
    /// late events, and sees an event of several windows once in each.
    ///
    /// ```
    /// use flow::{Flow, Next};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // Emits the sum up to each zero.
    /// let sums = Flow::from_items([1, 2, 0, 3, 0, 4])
    ///     .stages(1)
    ///     .trigger(
    ///         || (),
    ///         |(), mut batch: Vec<i32>| match batch.iter().position(|number| *number == 0) {
    ///             Some(at) => {
    ///                 let after = batch.split_off(at + 1);
    ///                 Next::Fire { name: "zero".into(), before: batch, after }
    ///             }
    ///             None => Next::Reduce(batch),
    ///         },
    ///     )
    ///     .reduce(|| 0, |sum, number| *sum += number)
    ///     .on_trigger(|sum, _| ([sum], 0));
    /// assert_eq!(sums.collect::<Vec<_>>().await?, [3, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn trigger<A, I, F>(mut self, init: I, function: F) -> Self
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, Vec<InOf<C>>) -> Next<InOf<C>> + Send + Sync + 'static,
    {
        let function = Arc::new(function);
        self.custom_trigger = Some(Arc::new(move || {
            let (mut state, function) = (init(), Arc::clone(&function));
            Box::new(move |batch| function(&mut state, batch))
        }));
        self
    }

    /// Calls a function with the events that are too late for every window they belong to, as they enter the
    /// layer, before any step of it. Each late event is passed once, in the stage that it came to;
    /// [`count_late`](Window::count_late), if set, counts it too. Without windows of event time, no event is
    /// late.
    ///
    /// The stage calls the function directly, so it must not block: it can count, log, or send the event to a
    /// receiver, perhaps another flow.
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
    /// A panic in the function ends the flow, like a panic in a step.
    pub fn late<F>(mut self, function: F) -> Self
    where
        F: Fn(Late<InOf<C>>) + Send + Sync + 'static,
    {
        self.late = Some(Arc::new(function));
        self
    }

    /// Folds the events of each window of each stage into a value, starting with `init()`.
    pub fn reduce<A, I, F, R>(self, init: I, function: F) -> Reduced<C, Fold<I, F>>
    where
        A: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out) -> R + Send + Sync + 'static,
        R: InPlace,
    {
        Reduced { flow: self, reducer: Fold { init: Arc::new(init), function: Arc::new(function) } }
    }

    /// Folds as [`reduce`](Self::reduce) does, with timers: `init` and the function may set [`Alarms`], and
    /// the window is emitted when one goes off. Alarms use the wall clock, and end with their window.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::{Flow, TriggerName};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// // The stream yields three numbers and then stays pending: the window is emitted after a pause.
    /// let sums = Flow::from_stream(|| stream::iter([1, 2, 3]).chain(stream::pending()))
    ///     .stages(1)
    ///     .reduce_with_alarms(
    ///         |_| 0,
    ///         |sum, number, alarms| {
    ///             *sum += number;
    ///             alarms.set("pause", Duration::from_millis(10));
    ///         },
    ///     )
    ///     .on_trigger(|sum, trigger| ([(trigger.name.clone(), sum)], sum));
    /// // Usually 6; on a busy machine, the pause may come between two numbers.
    /// let (name, sum) = sums.first(1).await?.remove(0);
    /// assert_eq!((name, sum > 0), (TriggerName::Custom("pause".into()), true));
    /// # Ok(())
    /// # }
    /// ```
    pub fn reduce_with_alarms<A, I, F, R>(self, init: I, function: F) -> Reduced<C, FoldAndSet<I, F>>
    where
        A: Send + 'static,
        I: Fn(&mut Alarms) -> A + Send + Sync + 'static,
        F: Fn(&mut A, C::Out, &mut Alarms) -> R + Send + Sync + 'static,
        R: InPlace,
    {
        Reduced { flow: self, reducer: FoldAndSet { init: Arc::new(init), function: Arc::new(function) } }
    }

    /// Folds as [`reduce`](Self::reduce) does, and emits the events that the function returns at once.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let records = Flow::from_items([2, 1, 3, 3, 5])
    ///     .stages(1)
    ///     .emit_and_reduce(|| 0, |highest, number| {
    ///         let is_record = number > *highest;
    ///         *highest = number.max(*highest);
    ///         is_record.then_some(number)
    ///     })
    ///     .emit_nothing();
    /// assert_eq!(records.collect::<Vec<_>>().await?, [2, 3, 5]);
    /// # Ok(())
    /// # }
    /// ```
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
