//! Merges the results of the stages of a layer for the same window.
//!
//! A stage emits its windows of event time in order, and announces the start of the first one that it may still
//! emit. So such a window is complete once every stage has emitted it, or a later one, for the last time, or has
//! announced a later start: a stage need not have had an event of it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::time::Progress;
use crate::window::{Trigger, WindowId};

/// A layer that merges the states that all stages of the preceding layer emit for one window.
pub struct DepartitionLayer<S, I, F, G> {
    pub(crate) init: Arc<I>,
    pub(crate) merge: Arc<F>,
    pub(crate) done: Arc<G>,
    pub(crate) options: LayerOptions,
    pub(crate) takes: PhantomData<fn(S)>,
}

/// The windows that are not complete yet.
pub struct DepartitionOperator<S, A, I, F, G> {
    layer: DepartitionLayer<S, I, F, G>,
    windows: BTreeMap<WindowId, Partial<A>>,
    /// The start of the first window that each input may still emit; `i64::MAX` once it has ended.
    starts: Vec<i64>,
}

/// The merged state of one window so far.
struct Partial<A> {
    acc: A,
    /// The stages that have emitted the window for the last time.
    done: HashSet<usize>,
}

impl<S, I, F, G> Clone for DepartitionLayer<S, I, F, G> {
    fn clone(&self) -> Self {
        Self {
            init: Arc::clone(&self.init),
            merge: Arc::clone(&self.merge),
            done: Arc::clone(&self.done),
            options: self.options.clone(),
            takes: PhantomData,
        }
    }
}

impl<S, I, F, G> fmt::Debug for DepartitionLayer<S, I, F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DepartitionLayer").finish_non_exhaustive()
    }
}

impl<S, A, I, F, G> fmt::Debug for DepartitionOperator<S, A, I, F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DepartitionOperator").field("windows", &self.windows.len()).finish_non_exhaustive()
    }
}

impl<S, A, U, I, F, G> Layer for DepartitionLayer<S, I, F, G>
where
    S: Send + 'static,
    A: Send + 'static,
    U: Send + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    F: Fn(&mut A, S) + Send + Sync + 'static,
    G: Fn(A, WindowId) -> U + Send + Sync + 'static,
{
    type In = (Trigger, S);
    type Out = U;
    type Operator = DepartitionOperator<S, A, I, F, G>;

    fn operator(&self, _place: Place) -> Self::Operator {
        DepartitionOperator { layer: self.clone(), windows: BTreeMap::new(), starts: Vec::new() }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "departition".to_owned()
    }
}

impl<S, A, U, I, F, G> DepartitionOperator<S, A, I, F, G>
where
    G: Fn(A, WindowId) -> U,
{
    /// Records the start that an input announced; emits the windows that have become complete.
    fn starts_at<K: FnMut(U)>(&mut self, edge: usize, start: i64, sink: &mut K) {
        let Some(known) = self.starts.get_mut(edge) else { return };
        *known = start.max(*known);
        let first = self.starts.iter().copied().min().unwrap_or(i64::MIN);
        self.emit_while(sink, |window| start_of(window).is_some_and(|start| start < first));
    }

    /// Emits the first windows of event time, as long as `complete` holds for them.
    fn emit_while<K: FnMut(U)>(&mut self, sink: &mut K, complete: impl Fn(WindowId) -> bool) {
        while let Some(first) = self.windows.first_entry().filter(|first| complete(*first.key())) {
            let (window, partial) = first.remove_entry();
            sink((self.layer.done)(partial.acc, window));
        }
    }
}

/// Returns the start of a window of event time.
fn start_of(window: WindowId) -> Option<i64> {
    match window {
        WindowId::Fixed(start) | WindowId::Sliding(start) => Some(start),
        WindowId::Global | WindowId::Count(_) | WindowId::Periodic(_) => None,
    }
}

impl<S, A, U, I, F, G> Operator for DepartitionOperator<S, A, I, F, G>
where
    S: Send + 'static,
    A: Send + 'static,
    U: Send + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    F: Fn(&mut A, S) + Send + Sync + 'static,
    G: Fn(A, WindowId) -> U + Send + Sync + 'static,
{
    type In = (Trigger, S);
    type Out = U;

    fn fed_by(&mut self, feeds: Feeds) {
        let stages = match feeds {
            Feeds::Stages(stages) => stages,
            // Not the stages of one layer: their starts say nothing.
            Feeds::OwnPart | Feeds::Sides(..) | Feeds::Table { .. } => 0,
        };
        self.starts = vec![i64::MIN; stages];
    }

    fn hear<K: FnMut(U)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        self.starts_at(edge, progress.reached, sink);
    }

    fn edge_ended<K: FnMut(U)>(&mut self, edge: usize, sink: &mut K) {
        self.starts_at(edge, i64::MAX, sink);
    }

    fn batch<K: FnMut(U)>(&mut self, _edge: usize, events: impl Iterator<Item = (Trigger, S)>, sink: &mut K) {
        for (trigger, state) in events {
            let DepartitionLayer { init, merge, done, .. } = &self.layer;
            let partial = self
                .windows
                .entry(trigger.window)
                .or_insert_with(|| Partial { acc: init(), done: HashSet::new() });
            merge(&mut partial.acc, state);
            if trigger.is_done() {
                partial.done.insert(trigger.place.index);
            }
            if partial.done.len() == trigger.place.of
                && let Some(whole) = self.windows.remove(&trigger.window)
            {
                let whole = done(whole.acc, trigger.window);
                self.emit_while(sink, |window| start_of(window).is_some() && window < trigger.window);
                sink(whole);
            }
        }
    }

    fn finish<K: FnMut(U)>(&mut self, sink: &mut K) {
        for (window, partial) in std::mem::take(&mut self.windows) {
            sink((self.layer.done)(partial.acc, window));
        }
    }
}
