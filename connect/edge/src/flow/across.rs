//! Declares a flow on many machines in one piece: its source, the edge, and the windows behind it.

use std::fmt;
use std::sync::Arc;

use flow::persist::{Combined, Cut, CutFlow, KeyedWindows};
use flow::{Chain, Flow, FlowError, Window};

use super::crossing::{Crosses, Persist, Stays};
use super::totals::Totals;
use crate::across::short_name;
use crate::edge::Edge;
use crate::format::Format;
use crate::schema::SchemaId;
use crate::spec::EdgeSpec;

type KeyOf<T, K> = Arc<dyn Fn(&T) -> K + Send + Sync>;

/// Sends the events of a flow to other machines, and folds them there: [`across`](Self::across) is a method of each
/// [`Flow`] with event time.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::time::Duration;
///
/// use flow::{Flow, Window};
/// use serde::{Deserialize, Serialize};
/// use stage_core::Pipeline;
/// use stage_edge::flow::{Across, Numbered};
/// use stage_edge::memory::MemoryEdge;
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Sale { shop: u32, pence: u64, at: i64 }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Each till is a part of the source, which every machine can read.
/// let till = |till: u64| (0..100).map(move |n| Sale { shop: n % 3, pence: 10 + till, at: i64::from(n) * 1000 });
/// let sales = Flow::from_iters([till(0), till(1)]);
///
/// let server = MemoryEdge::new();
/// let (sums, mut results) = tokio::sync::mpsc::unbounded_channel();
/// let mut machines = Vec::new();
/// for machine in ["north", "south"] {
///     // The same program on all machines.
///     let minutes = sales
///         .clone()
///         .event_time(|sale: &Sale| sale.at, Duration::MAX)
///         .across(server.machine(machine), "sales", 8, |sale| sale.shop)
///         .window(Window::fixed(Duration::from_secs(60)))
///         .reduce(|| 0, |sum: &mut u64, sale| *sum += sale.pence);
///     let sums = sums.clone();
///     let pipeline = Pipeline::builder(machine)
///         .start("sales", move || minutes.source())
///         .acknowledged()
///         .finish_fn("store", move |sum: Numbered<u32, u64>| sums.send(sum).expect("the receiver is alive"));
///     machines.push(pipeline.start().await?);
/// }
///
/// let mut minutes = BTreeMap::new();
/// while minutes.len() < 6 {
///     let Numbered { result, .. } = results.recv().await.ok_or("the pipelines ended")?;
///     minutes.insert((result.start, result.key), result.value);
/// }
/// assert_eq!(minutes[&(0, 2)], 20 * 10 + 20 * 11);
/// # for machine in machines {
/// #     machine.drain(Duration::from_secs(10)).await?;
/// # }
/// # Ok(())
/// # }
/// ```
pub trait Across: Sized {
    /// The type of the events.
    type Event: Send + 'static;

    /// Divides the events among `partitions` by a key, whose encoded form determines the partition. The processes with
    /// this flow share the parts of its source and the partitions of the edge `name`.
    ///
    /// Each part of the source is a [way](super::Way) into the edge: one process at a time reads it and takes its events
    /// through the steps so far. When a process ends, another one reads its parts again, *from the first event on*, and
    /// the partitions skip the events that they have. So the parts, their number, their events and the results of the
    /// steps must be the same on all machines and at each reading. Files, slices and iterators are; a stream is if its
    /// recipe begins at the same event each time. An event that differs is counted under the number of another one,
    /// or not at all.
    ///
    /// A source that splits itself, as slices and files do, is one part. The options of the layer before, such as
    /// [`stages`](Flow::stages), have no effect.
    ///
    /// Only a flow can cross that has [event time](Flow::event_time) and no layer but that of its source; the compiler
    /// refuses others. An invalid option, and a source that can be read only once, such as a channel, are errors of
    /// [`Totals::source`].
    #[track_caller]
    fn across<E: Edge, K>(
        self,
        edge: E,
        name: impl Into<String>,
        partitions: u32,
        key: impl Fn(&<Self as Across>::Event) -> K + Send + Sync + 'static,
    ) -> AcrossFlow<E, <Self as Across>::Event, K>
    where
        Self: Cut<Out = <Self as Across>::Event>,
        <Self as Across>::Event: Persist,
        K: Ord + Persist;
}

impl<C: Chain> Across for Flow<C> {
    type Event = C::Out;

    #[track_caller]
    fn across<E: Edge, K>(
        self,
        edge: E,
        name: impl Into<String>,
        partitions: u32,
        key: impl Fn(&C::Out) -> K + Send + Sync + 'static,
    ) -> AcrossFlow<E, C::Out, K>
    where
        Self: Cut<Out = C::Out>,
        C::Out: Persist,
        K: Ord + Persist,
    {
        let parts = self.cut();
        let schema = SchemaId::new(short_name::<C::Out>(), 1);
        let spec = EdgeSpec::new("app", name).partitions(partitions).schema(schema.clone());
        AcrossFlow { parts, edge, spec, format: Format::postcard(schema), key: Arc::new(key) }
    }
}

/// A flow whose events [cross](Across::across) to other machines. They are folded there: set the
/// [`window`](Self::window) next.
#[must_use = "set the window and the reducer, and start a pipeline with its source"]
pub struct AcrossFlow<E, T, K> {
    pub(super) parts: Result<CutFlow<T>, FlowError>,
    pub(super) edge: E,
    pub(super) spec: EdgeSpec,
    pub(super) format: Format<T>,
    pub(super) key: KeyOf<T, K>,
}

impl<E: Edge, T, K> AcrossFlow<E, T, K>
where
    T: Persist,
    K: Ord + Persist,
{
    /// Sets the application, whose edges share dead letters and notes. Default: `app`.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.spec.app = app.into();
        self
    }

    /// Sets the form in which events are written and read. Default: version 1 in the postcard format.
    pub fn format(mut self, format: Format<T>) -> Self {
        self.spec.schema = format.schema().clone();
        self.format = format;
        self
    }

    /// Changes further properties of the edge.
    pub fn spec(mut self, change: impl FnOnce(EdgeSpec) -> EdgeSpec) -> Self {
        self.spec = change(self.spec);
        self
    }

    /// Splits the events of each key into windows of event time: fixed or sliding ones.
    pub fn window<W: Crosses>(self, window: Window<W>) -> AcrossWindow<E, T, K, W> {
        AcrossWindow { flow: self, window }
    }

    #[doc(hidden)]
    pub fn sessions<S, Q, A>(
        self,
        _sessions: S,
        _key: impl Fn(&T) -> Q,
        _init: impl Fn() -> A,
        _fold: impl Fn(&mut A, T),
        _merge: impl Fn(&mut A, A),
    ) -> Self
    where
        Self: Stays,
    {
        self
    }

    #[doc(hidden)]
    pub fn window_join<J, W, D: Chain, Q>(
        self,
        _kind: J,
        _window: Window<W>,
        _right: Flow<D>,
        _left_key: impl Fn(&T) -> Q,
        _right_key: impl Fn(&D::Out) -> Q,
    ) -> Self
    where
        Self: Stays,
    {
        self
    }

    #[doc(hidden)]
    pub fn partition_with(self, _route: impl Fn(T) -> Option<(T, usize)>) -> Self
    where
        Self: Stays,
    {
        self
    }
}

/// A flow with windows behind its edge; [`reduce`](Self::reduce) or [`combine`](Self::combine) comes next.
#[must_use = "set the reducer, and start a pipeline with its source"]
pub struct AcrossWindow<E, T, K, W> {
    flow: AcrossFlow<E, T, K>,
    window: Window<W>,
}

impl<E: Edge, T, K, W> AcrossWindow<E, T, K, W>
where
    T: Persist,
    K: Ord + Persist,
    W: Crosses,
{
    /// Folds the events of each key in each window into a value, starting with `init()`. The result must not depend on
    /// the order of events of different parts of the source.
    #[track_caller]
    pub fn reduce<A: Persist>(
        self,
        init: impl Fn() -> A + Send + Sync + 'static,
        fold: impl Fn(&mut A, T) + Send + Sync + 'static,
    ) -> Totals<E, T, K, A> {
        let Self { flow, window } = self;
        let key = Arc::clone(&flow.key);
        let windows = KeyedWindows::new(window, move |event: &T| key(event), init, fold);
        Totals::of(flow, windows)
    }

    /// Folds the events of each key in each window, first where the source is read, and then the values of all parts of
    /// the source by `merge`. Each way sends a value for many events, so less crosses the edge the more events have the
    /// same key and window.
    ///
    /// A value is sent when a window ends that may contain its events, and after 4,096 events. So `merge` takes values in
    /// another grouping each time: the result must not depend on it, nor on the order of the values, and merging with
    /// `init()` must change nothing. Values have their own [schema](EdgeSpec::schema), by the name of the events' and
    /// ` combined`, and are written in the postcard format.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::{Flow, Window};
    /// use stage_edge::flow::Across;
    /// use stage_edge::memory::MemoryEdge;
    ///
    /// # fn main() -> Result<(), stage_core::BoxError> {
    /// let clicks = Flow::from_items((0..10_000_u64).map(|n| (n % 7, n)));
    /// let minutes = clicks
    ///     .event_time(|(_, at)| i64::try_from(*at).unwrap_or(i64::MAX), Duration::MAX)
    ///     .across(MemoryEdge::new(), "clicks", 8, |(page, _)| *page)
    ///     .window(Window::fixed(Duration::from_secs(60)))
    ///     .combine(|| 0_u64, |count, _| *count += 1, |count, more| *count += more);
    /// let source = minutes.source()?;
    /// # drop(source);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Totals::source`] returns an error if the window has a trigger, or the flow has
    /// [`idle_after`](Flow::idle_after): a part keeps the events of the last group while it waits for its source.
    #[track_caller]
    pub fn combine<A: Persist>(
        self,
        init: impl Fn() -> A + Send + Sync + 'static,
        fold: impl Fn(&mut A, T) + Send + Sync + 'static,
        merge: impl Fn(&mut A, A) + Send + Sync + 'static,
    ) -> Totals<E, Combined<K, A>, K, A> {
        let Self { flow: AcrossFlow { parts, edge, spec, format, key }, window } = self;
        let init = Arc::new(init);
        let (first, later) = (Arc::clone(&init), init);
        // `track_caller` does not reach into closures.
        let parts = match parts {
            Ok(parts) => parts.combined(&window, move |event| key(event), move || first(), fold),
            Err(error) => Err(error),
        };
        let events = format.schema();
        let schema = SchemaId::new(format!("{} combined", events.name), events.number);
        let key: KeyOf<Combined<K, A>, K> = Arc::new(|combined| combined.key.clone());
        let by = Arc::clone(&key);
        let merge = move |value: &mut A, more: Combined<K, A>| merge(value, more.value);
        let windows = KeyedWindows::new(window, move |combined| by(combined), move || later(), merge);
        let spec = spec.schema(schema.clone());
        Totals::of(AcrossFlow { parts, edge, spec, format: Format::postcard(schema), key }, windows)
    }
}

impl<E: Clone, T, K> Clone for AcrossFlow<E, T, K> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            edge: self.edge.clone(),
            spec: self.spec.clone(),
            format: self.format.clone(),
            key: Arc::clone(&self.key),
        }
    }
}

impl<E, T, K> fmt::Debug for AcrossFlow<E, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcrossFlow").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl<E, T, K, W> fmt::Debug for AcrossWindow<E, T, K, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcrossWindow").field("flow", &self.flow).finish_non_exhaustive()
    }
}
