//! Keyed windows of event time, and their state in one partition.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::{self, Empty};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::saved::{RestoreError, Saved};
use crate::chain::Start;
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place, Sourced};
use crate::reduce::{Emit, Fold, ReduceLayer, ReduceOperator};
use crate::refused::Refused;
use crate::source::{ByTime, Iters};
use crate::time::{Progress, Stamp, Stamped};
use crate::window::{Kind, OfEventTime, Trigger, Window, WindowId};

/// Windows of event time with one value for each key: a description, of which each partition has a state.
///
/// The results of a partition are in the order of the windows, and within a window in the order of the keys, so they are
/// a function of the events and their order alone. A clock has no influence: there are no periodic triggers and no
/// alarms. Cheap to clone.
pub struct KeyedWindows<T: Send + 'static, K, A> {
    layer: LayerOf<T, K, A>,
}

/// The open windows of one partition.
pub struct OpenWindows<T: Send + 'static, K, A>
where
    T: Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    operator: ReduceOperator<ChainOf<T>, FoldOf<T, K, A>, EmitValues<K, A>>,
}

/// The value of a key in a window.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WindowResult<K, A> {
    /// The start of the window, in milliseconds of event time; `i64::MIN` if it starts before that.
    pub start: i64,
    /// Whether this is the last result of the window.
    pub is_last: bool,
    /// The key.
    pub key: K,
    /// The value.
    pub value: A,
}

/// The chain of a layer whose events come from elsewhere.
type ChainOf<T> = Start<Sourced<Iters<Empty<T>>, ByTime<fn(&T) -> i64>>>;
type Values<K, A> = BTreeMap<K, A>;
type FoldOf<T, K, A> = Fold<fn() -> Values<K, A>, Folds<T, K, A>>;
type Folds<T, K, A> = Box<dyn Fn(&mut Values<K, A>, T) + Send + Sync>;
type LayerOf<T, K, A> = ReduceLayer<ChainOf<T>, FoldOf<T, K, A>, EmitValues<K, A>>;

/// Emits the value of each key.
struct EmitValues<K, A>(PhantomData<fn() -> (K, A)>);

impl<K, A> Clone for EmitValues<K, A> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<K, A> Emit<Values<K, A>> for EmitValues<K, A>
where
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    type Out = WindowResult<K, A>;

    fn emit<S: FnMut(WindowResult<K, A>)>(
        &self,
        values: Values<K, A>,
        trigger: &Trigger,
        sink: &mut S,
    ) -> Option<Values<K, A>> {
        let start = match trigger.window {
            WindowId::Fixed(start) | WindowId::Sliding(start) => start,
            WindowId::Global | WindowId::Count(_) | WindowId::Periodic(_) => i64::MIN,
        };
        let is_last = trigger.is_done();
        let kept = (!is_last).then(|| values.clone());
        for (key, value) in values {
            sink(WindowResult { start, is_last, key, value });
        }
        kept
    }
}

impl<T, K, A> KeyedWindows<T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    /// Folds the events of each key in each window into a value, starting with `init()`.
    ///
    /// An event of overlapping windows is cloned for each of them. [`emit_empty`](Window::emit_empty) has no effect: a
    /// window without events has no keys.
    ///
    /// # Errors
    ///
    /// If the window has an invalid option, or a [periodic trigger](Window::trigger_periodically).
    #[track_caller]
    pub fn new<W: OfEventTime>(
        window: Window<W>,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
        init: impl Fn() -> A + Send + Sync + 'static,
        fold: impl Fn(&mut A, T) + Send + Sync + 'static,
    ) -> Result<Self, Refused> {
        let mut window = window.spec;
        if let Some(refused) = window.refused.take() {
            return Err(refused);
        }
        if let Some(period) = window.periodically.first() {
            let allowed = "a state that moves between machines has no clock";
            return Err(Refused::new("trigger_periodically", period, allowed));
        }
        window.emit_empty = false;
        let function: Folds<T, K, A> = Box::new(move |values, event| {
            let key = key(&event);
            fold(values.entry(key).or_insert_with(&init), event);
        });
        let at_zero: fn(&T) -> i64 = |_| 0;
        let flow = Flow::from_items(iter::empty::<T>()).event_time(at_zero, Duration::MAX);
        let copy = match window.kind {
            Kind::Sliding(_) => Some(T::clone as fn(&T) -> T),
            Kind::Fixed(_) | Kind::Global | Kind::Count(_) | Kind::Periodic(_) => None,
        };
        let reducer = Fold { init: Arc::new(BTreeMap::new as fn() -> _), function: Arc::new(function) };
        let layer = ReduceLayer {
            chain: flow.chain,
            reducer,
            emit: EmitValues(PhantomData),
            window,
            copy,
            custom_trigger: None,
            late: None,
            options: LayerOptions::default(),
            types: PhantomData,
        };
        Ok(Self { layer })
    }

    /// Returns the state of a partition with this number of inputs, at least 1, before the first event.
    pub fn open(&self, ways: usize) -> OpenWindows<T, K, A> {
        let mut operator = self.layer.operator(Place { index: 0, of: 1 });
        operator.fed_by(Feeds::Stages(ways));
        OpenWindows { operator }
    }

    /// Returns the state that was saved.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] if the state is of other windows.
    pub fn restore(&self, saved: Saved<K, A>, ways: usize) -> Result<OpenWindows<T, K, A>, RestoreError> {
        let mut open = self.open(ways);
        open.operator.restore(saved.0, ways.max(1))?;
        Ok(open)
    }

    /// Returns the properties that a saved state depends on, in one line.
    pub fn describe(&self) -> String {
        let window = &self.layer.window;
        let spans = window.spans().map(|spans| spans.to_string()).unwrap_or_default();
        let every = window.every.map(|events| format!(", trigger every {events}")).unwrap_or_default();
        format!("{spans}, lateness {} ms{every}", window.lateness)
    }
}

impl<T, K, A> OpenWindows<T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    /// Handles an event of the input `way`, from 0, that happened `at` this time. `watermark` is that of its input,
    /// this event included; `i64::MIN` if there is none yet. An event of an input that has ended is late.
    pub fn event(
        &mut self,
        way: usize,
        at: i64,
        watermark: i64,
        event: T,
        sink: &mut impl FnMut(WindowResult<K, A>),
    ) {
        if self.operator.has_ended(way) {
            self.operator.came_late();
            return;
        }
        let stamp = Stamp { at, watermark, reached: watermark };
        self.operator.batch(way, iter::once(Stamped { stamp, event }), sink);
    }

    /// Handles the progress of an input: its watermark, and whether it has no events at present, so that the others
    /// alone determine which windows have ended.
    pub fn progress(
        &mut self,
        way: usize,
        reached: Option<i64>,
        idle: bool,
        sink: &mut impl FnMut(WindowResult<K, A>),
    ) {
        let reached = reached.unwrap_or(i64::MIN);
        self.operator.hear(way, Progress { reached, idle }, sink);
    }

    /// Handles the end of an input. With the last one, all windows end.
    pub fn end(&mut self, way: usize, sink: &mut impl FnMut(WindowResult<K, A>)) {
        if self.operator.has_ended(way) {
            return;
        }
        self.operator.edge_ended(way, sink);
        if self.has_ended() {
            self.operator.finish(sink);
        }
    }

    /// Returns whether an input has ended.
    pub fn has_ended_way(&self, way: usize) -> bool {
        self.operator.has_ended(way)
    }

    /// Returns whether all inputs have ended.
    pub fn has_ended(&self) -> bool {
        self.operator.all_have_ended()
    }

    /// Returns the number of events that came too late for every window, or behind the end of their input.
    pub fn late(&self) -> u64 {
        self.operator.late()
    }

    /// Returns the state.
    pub fn save(&self) -> Saved<K, A> {
        Saved(self.operator.save())
    }
}

impl<T: Send + 'static, K, A> Clone for KeyedWindows<T, K, A> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone() }
    }
}

impl<T: Send + 'static, K, A> fmt::Debug for KeyedWindows<T, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedWindows").field("window", &self.layer.window).finish_non_exhaustive()
    }
}

impl<T, K, A> fmt::Debug for OpenWindows<T, K, A>
where
    T: Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Clone + Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenWindows").finish_non_exhaustive()
    }
}
