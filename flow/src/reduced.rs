//! A flow whose last step is a reducer; the methods of its result define what each window emits.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::chain::{Chain, Start};
use crate::flow::{Flow, LayerFlow};
use crate::options::LayerOptions;
use crate::plan::{Fed, LayerNode, Staged};
use crate::reduce::{
    Accumulate, DepartitionLayer, Emit, EmitEvents, EmitNothing, EmitState, OnTrigger, ReduceLayer, Reducer,
};
use crate::refused::Refused;
use crate::time::Untimed;
use crate::window::{Trigger, WindowId};

/// A flow that ends in a reducer. The only remaining choice in this layer is what a window emits at its
/// triggers; the emitted events then form a flow again.
///
/// ```
/// use flow::Flow;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let numbers = || Flow::from_items(1..=4_u64).stages(1).reduce(Vec::new, Vec::push);
/// assert_eq!(numbers().emit().collect::<Vec<_>>().await?, [1, 2, 3, 4]);
/// assert_eq!(numbers().emit_state().collect::<Vec<_>>().await?, [[1, 2, 3, 4]]);
/// let lengths = numbers().on_trigger(|all: Vec<u64>, _| ([all.len()], all));
/// assert_eq!(lengths.collect::<Vec<_>>().await?, [4]);
/// let newest = Flow::from_items(1..=4_u64).stages(1).emit_and_reduce(|| (), |(), number| [number]);
/// assert_eq!(newest.emit_nothing().collect::<Vec<_>>().await?, [1, 2, 3, 4]);
/// # Ok(())
/// # }
/// ```
#[must_use = "choose the output of the reducer: emit, emit_state or on_trigger"]
pub struct Reduced<C: Chain, R> {
    pub(crate) flow: Flow<C>,
    pub(crate) reducer: R,
}

impl<C: Chain, R: Clone> Clone for Reduced<C, R> {
    fn clone(&self) -> Self {
        Self { flow: self.flow.clone(), reducer: self.reducer.clone() }
    }
}

impl<C: Chain, R> fmt::Debug for Reduced<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduced").field("flow", &self.flow).finish_non_exhaustive()
    }
}

/// A flow of the merged windows of a departition.
pub type Departitioned<S, I, F, G> =
    Flow<Start<Staged<Fed<Untimed, (Trigger, S)>, DepartitionLayer<S, I, F, G>>>>;

/// The value of a reducer.
type AccOf<R> = <R as Accumulate>::Acc;

impl<C: Chain, R> Reduced<C, R> {
    /// Emits the items of the value: the entries of a map, the items of a list. A value that is emitted
    /// before the end of its window is kept.
    pub fn emit<A, U>(self) -> LayerFlow<Untimed, U>
    where
        R: Accumulate<Acc = A> + Reducer<C::Out, U>,
        A: IntoIterator<Item = U> + Clone + Send + 'static,
        U: Send + 'static,
    {
        self.emitting(EmitEvents)
    }

    /// Emits the value itself. A value that is emitted before the end of its window is kept.
    pub fn emit_state<A>(self) -> LayerFlow<Untimed, A>
    where
        R: Accumulate<Acc = A> + Reducer<C::Out, A>,
        A: Clone + Send + 'static,
    {
        self.emitting(EmitState)
    }

    /// Emits nothing at triggers: only the events that the reducer itself emitted.
    pub fn emit_nothing<U>(self) -> LayerFlow<Untimed, U>
    where
        R: Reducer<C::Out, U>,
        U: Send + 'static,
    {
        self.emitting(EmitNothing { emits: PhantomData })
    }

    /// Emits the events that a function returns for the value at each trigger, and continues with the value
    /// that the function returns: the same value to keep it, a fresh one to start over.
    pub fn on_trigger<A, I, F>(self, function: F) -> LayerFlow<Untimed, I::Item>
    where
        R: Accumulate<Acc = A> + Reducer<C::Out, I::Item>,
        A: Send + 'static,
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(AccOf<R>, &Trigger) -> (I, A) + Send + Sync + 'static,
    {
        self.emitting(OnTrigger { function: Arc::new(function) })
    }

    /// Opens a layer of one stage that merges the values of all stages of this layer for the same window.
    ///
    /// At each trigger of this layer, `merge` gets the value of the window, which is kept. A window that is emitted several
    /// times is merged several times. To merge something other than the value, emit pairs with
    /// [`on_trigger`](Self::on_trigger) first: see [`departition`](LayerFlow::departition) for flows of pairs.
    ///
    /// # Completeness
    ///
    /// `done` converts the merged value of a window to the output, once for each window, when the window is complete: every
    /// stage has emitted it for the last time, or the watermark of every stage has passed it and its
    /// [allowed lateness](crate::Window::allowed_lateness), whether or not a stage had events of it. It then has all of its
    /// events, from all stages, except the late ones, which are counted. Windows of event time are emitted in order.
    ///
    /// At the end of the input, also that of a drain, the windows that are left are emitted as they are. Nothing tells them
    /// from others: windows of event time that the input ends within lack the events that it does not have, and they come
    /// last. A flow that fails or is stopped emits none of them.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let sum = Flow::from_items(1..=100_u64)
    ///     .partition(|number| *number)
    ///     .reduce(|| 0, |sum, number| *sum += number)
    ///     .departition(|| 0, |total, sum| *total += sum, |total, _window| total);
    /// assert_eq!(sum.collect::<Vec<_>>().await?, [5050]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn departition<S, A, U, I, F, G>(self, init: I, merge: F, done: G) -> Departitioned<S, I, F, G>
    where
        R: Accumulate<Acc = S> + Reducer<C::Out, (Trigger, S)>,
        S: Clone + Send + 'static,
        A: Send + 'static,
        U: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, S) + Send + Sync + 'static,
        G: Fn(A, WindowId) -> U + Send + Sync + 'static,
    {
        let tagged = |state: S, trigger: &Trigger| ([(trigger.clone(), state.clone())], state);
        self.on_trigger(tagged).departition(init, merge, done)
    }

    fn emitting<M>(self, emit: M) -> LayerFlow<Untimed, M::Out>
    where
        R: Accumulate + Reducer<C::Out, M::Out>,
        M: Emit<<R as Accumulate>::Acc>,
    {
        let Self { flow, reducer } = self;
        let Flow { chain, options, window, copy, custom_trigger, late } = flow;
        let origin = chain.origin().clone();
        let types = PhantomData;
        let layer = ReduceLayer { chain, reducer, emit, window, copy, custom_trigger, late, options, types };
        Flow::<Start<_>>::at(Fed { node: Arc::new(LayerNode { origin, layer }), routing: None })
    }
}

impl<S: Send + 'static> LayerFlow<Untimed, (Trigger, S)> {
    /// Merges the values that the stages of the layer before emitted for the same window, as
    /// [`Reduced::departition`] does. Each event is a value with its trigger, as
    /// [`on_trigger`](Reduced::on_trigger) can return it; there must be no other layer between the two.
    ///
    /// The first pair with the [last trigger](Trigger::is_done) of a window is the last of its stage. A
    /// window for which a stage emits no such pair is complete at the end of the input; a window of event time,
    /// once the watermark of every stage has passed it.
    ///
    /// ```
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let most = Flow::from_items(1..=100_u64)
    ///     .partition(|number| *number)
    ///     .reduce(Vec::new, Vec::push)
    ///     .on_trigger(|all: Vec<u64>, trigger| ([(trigger.clone(), all.len())], all))
    ///     .departition(|| 0, |sum, length| *sum += length, |sum, _window| sum);
    /// assert_eq!(most.collect::<Vec<_>>().await?, [100]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn departition<A, U, I, F, G>(self, init: I, merge: F, done: G) -> Departitioned<S, I, F, G>
    where
        A: Send + 'static,
        U: Send + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        F: Fn(&mut A, S) + Send + Sync + 'static,
        G: Fn(A, WindowId) -> U + Send + Sync + 'static,
    {
        let windowed = self.is_windowed();
        let Self { chain: Start { origin }, mut options, .. } = self;
        if windowed {
            let refused =
                Refused::new("departition", format_args!("after a window"), "it must come before the window");
            options.refuse(Some(refused));
        }
        let first = DepartitionLayer {
            init: Arc::new(init),
            merge: Arc::new(merge),
            done: Arc::new(done),
            options: LayerOptions::default(),
            takes: PhantomData,
        };
        Flow { options, ..Flow::at(Staged { origin, first, what: "departition" }) }.stages(1)
    }
}
