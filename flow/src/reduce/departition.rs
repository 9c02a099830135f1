//! Merges the results of the stages of a layer for the same window.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::options::LayerOptions;
use crate::plan::{Layer, Operator, Place};
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
        DepartitionOperator { layer: self.clone(), windows: BTreeMap::new() }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "departition".to_owned()
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

    fn batch<K: FnMut(U)>(&mut self, _edge: usize, events: impl Iterator<Item = (Trigger, S)>, sink: &mut K) {
        let DepartitionLayer { init, merge, done, .. } = &self.layer;
        for (trigger, state) in events {
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
                sink(done(whole.acc, trigger.window));
            }
        }
    }

    fn finish<K: FnMut(U)>(&mut self, sink: &mut K) {
        for (window, partial) in std::mem::take(&mut self.windows) {
            sink((self.layer.done)(partial.acc, window));
        }
    }
}
