//! Declares a flow on many machines in one piece: its source, the edge, and the windows behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flow::persist::{Cut, CutFlow, KeyedWindows};
use flow::{Chain, Flow, FlowError, Refused, Window};
use stage_core::BoxError;

use super::crossing::{Crosses, Persist, Stays};
use super::input::Input;
use super::mutant::Mutant;
use super::numbered::Numbered;
use super::way::Ways;
use super::windowed::Windowed;
use crate::across::short_name;
use crate::edge::Edge;
use crate::format::Format;
use crate::schema::SchemaId;
use crate::source::{EdgeSource, SourceOptions};
use crate::spec::EdgeSpec;

/// The maximum number of parts of a source.
const MAX_WAYS: usize = 1024;

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
    parts: Result<CutFlow<T>, FlowError>,
    edge: E,
    spec: EdgeSpec,
    format: Format<T>,
    key: KeyOf<T, K>,
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

/// A flow with windows behind its edge; [`reduce`](Self::reduce) comes next.
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
        let (options, version, every) = (SourceOptions::new("process"), 1, None);
        Totals { flow, windows, version, every, options, mutant: None }
    }
}

/// The results of a flow that [crosses](Across::across) to other machines: one value for each key and window.
///
/// A pipeline in each process starts with the [`source`](Self::source). The processes share the work, and when one ends,
/// others go on with its share: the values are those of one process that never ends.
#[must_use = "a flow does nothing until a pipeline starts its source"]
pub struct Totals<E, T: Send + 'static, K, A> {
    flow: AcrossFlow<E, T, K>,
    windows: Result<KeyedWindows<T, K, A>, Refused>,
    version: u32,
    every: Option<Duration>,
    options: SourceOptions,
    mutant: Option<Mutant>,
}

impl<E: Edge, T, K, A> Totals<E, T, K, A>
where
    T: Persist,
    K: Ord + Persist,
    A: Persist,
{
    /// Sets the [version](Windowed::version) of the values. Default: 1.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the longest time between an event and the [snapshot](Windowed::snapshot_every) that covers it. Default: 2 s.
    pub fn snapshot_every(mut self, time: Duration) -> Self {
        self.every = Some(time);
        self
    }

    /// Sets the options of the source in this process.
    pub fn source_options(mut self, options: SourceOptions) -> Self {
        self.options = options;
        self
    }

    /// Breaks a rule.
    #[cfg(feature = "testing")]
    pub fn with_mutant(mut self, mutant: Mutant) -> Self {
        self.mutant = Some(mutant);
        self
    }

    /// Returns the source of the results, which also sends this process's share of the events: see
    /// [`Windowed::source`].
    ///
    /// It does not end by itself. The gauge `ways` shows the number of parts of the flow's source in this process.
    ///
    /// # Errors
    ///
    /// If the flow has an invalid option, a source that cannot be read or can be read only once, or more than 1,024
    /// parts. While it runs, the pipeline also ends if a part of the source cannot be read, or a step panics.
    pub fn source(&self) -> Result<EdgeSource<E, Numbered<K, A>>, BoxError> {
        let AcrossFlow { parts, edge, spec, format, key } = &self.flow;
        let parts = parts.clone()?;
        let count = parts.parts();
        if count > MAX_WAYS {
            let name = &spec.name;
            return Err(
                format!("edge `{name}`: the flow has {count} parts; {MAX_WAYS} can cross an edge").into()
            );
        }
        let ways = u32::try_from(count)?;
        let windowed = Windowed::new(edge.clone(), spec.clone(), format.clone(), self.windows.clone()?, ways)
            .version(self.version)
            .source_options(self.options.clone());
        let windowed = self.every.into_iter().fold(windowed, Windowed::snapshot_every);
        let windowed = windowed.breaking(self.mutant);
        let by = Arc::clone(key);
        // The parts of the flow have the times.
        let no_time = |_: &T| 0;
        let ways = Ways::new(
            edge.clone(),
            spec.clone(),
            format.clone(),
            move |event| by(event),
            no_time,
            Duration::MAX,
        )?;
        let input = Input {
            edge: edge.clone(),
            spec: spec.clone(),
            ways,
            parts,
            readable: format.readable(),
            options: self.options.clone(),
        };
        Ok(windowed.source().beside(input.beside()))
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

impl<E: Clone, T: Send + 'static, K, A> Clone for Totals<E, T, K, A> {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow.clone(),
            windows: self.windows.clone(),
            version: self.version,
            every: self.every,
            options: self.options.clone(),
            mutant: self.mutant,
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

impl<E, T: Send + 'static, K, A> fmt::Debug for Totals<E, T, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totals").field("flow", &self.flow).finish_non_exhaustive()
    }
}
