//! What each stage of a join runs: both sides by key, for each window.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use rustc_hash::FxHashMap;

use super::{JoinKind, Side};
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::reduce::Marks;
use crate::time::Time;
use crate::window::{Kind, WindowSpec};

/// What a join is of.
type Types<M, Q, L, R, J> = fn(M, Q, L, R) -> J;

/// Joins what comes by key.
pub struct JoinLayer<M, Q, L, R, J> {
    pub(super) window: WindowSpec,
    pub(super) options: LayerOptions,
    pub(super) types: PhantomData<Types<M, Q, L, R, J>>,
}

impl<M, Q, L, R, J> Clone for JoinLayer<M, Q, L, R, J> {
    fn clone(&self) -> Self {
        Self { window: self.window.clone(), options: self.options.clone(), types: PhantomData }
    }
}

impl<M, Q, L, R, J> fmt::Debug for JoinLayer<M, Q, L, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinLayer").field("window", &self.window).finish_non_exhaustive()
    }
}

impl<M, Q, L, R, J> Layer for JoinLayer<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    type In = M::Of<Side<Q, L, R>>;
    type Out = J::Out;
    type Operator = JoinOperator<M, Q, L, R, J>;

    fn operator(&self, _place: Place) -> Self::Operator {
        JoinOperator {
            window: self.window.clone(),
            sides: BTreeMap::new(),
            marks: Marks::new(),
            types: PhantomData,
        }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "join".to_owned()
    }
}

/// Both sides of each window that is open.
pub struct JoinOperator<M, Q, L, R, J> {
    window: WindowSpec,
    /// By the start of the window; there is one at 0 where there are no windows.
    sides: BTreeMap<i64, Sides<Q, L, R>>,
    marks: Marks,
    types: PhantomData<fn(M) -> J>,
}

impl<M, Q, L, R, J> fmt::Debug for JoinOperator<M, Q, L, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinOperator").field("windows", &self.sides.len()).finish_non_exhaustive()
    }
}

/// What came of each key, in the order in which it came.
struct Sides<Q, L, R> {
    keys: FxHashMap<Q, usize>,
    /// In the order in which keys came.
    entries: Vec<(Vec<L>, Vec<R>)>,
}

impl<Q, L, R> Default for Sides<Q, L, R> {
    fn default() -> Self {
        Self { keys: FxHashMap::default(), entries: Vec::new() }
    }
}

impl<Q: Eq + Hash, L: Clone, R: Clone> Sides<Q, L, R> {
    /// Takes one event in; gives `sink` its pairs, with the youngest partner first.
    fn take_in<J: JoinKind<L, R>, K: FnMut(J::Out)>(&mut self, side: Side<Q, L, R>, sink: &mut K) {
        match side {
            Side::Left(key, left) => {
                let (lefts, rights) = self.entry(key);
                for right in rights.iter().rev() {
                    sink(J::pair(left.clone(), right.clone()));
                }
                lefts.push(left);
            }
            Side::Right(key, right) => {
                let (lefts, rights) = self.entry(key);
                for left in lefts.iter().rev() {
                    sink(J::pair(left.clone(), right.clone()));
                }
                rights.push(right);
            }
        }
    }

    fn entry(&mut self, key: Q) -> &mut (Vec<L>, Vec<R>) {
        let entries = &mut self.entries;
        let place = *self.keys.entry(key).or_insert_with(|| {
            entries.push((Vec::new(), Vec::new()));
            entries.len() - 1
        });
        &mut entries[place]
    }

    /// Gives `sink` what has no partner.
    fn end<J: JoinKind<L, R>, K: FnMut(J::Out)>(self, sink: &mut K) {
        let mut alone = Vec::new();
        for (lefts, rights) in self.entries {
            match (lefts.is_empty(), rights.is_empty()) {
                (false, true) => lefts.into_iter().filter_map(J::left).for_each(&mut *sink),
                (true, false) => alone.extend(rights),
                _ => {}
            }
        }
        alone.into_iter().filter_map(J::right).for_each(sink);
    }
}

impl<M, Q, L, R, J> JoinOperator<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    /// Ends the windows that the watermark has passed.
    fn pass<K: FnMut(J::Out)>(&mut self, span: i64, sink: &mut K) {
        let Some(watermark) = self.marks.watermark() else { return };
        while let Some(first) = self.sides.first_entry() {
            let end = first.key().saturating_add(span).saturating_add(self.window.lateness);
            if end > watermark {
                return;
            }
            first.remove().end::<J, _>(sink);
        }
    }
}

impl<M, Q, L, R, J> Operator for JoinOperator<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    type In = M::Of<Side<Q, L, R>>;
    type Out = J::Out;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
    }

    fn edge_ended(&mut self, edge: usize) {
        self.marks.ended(edge);
    }

    fn batch<K: FnMut(J::Out)>(&mut self, edge: usize, events: impl Iterator<Item = Self::In>, sink: &mut K) {
        for event in events {
            let (stamp, side) = M::open(event);
            let start = match (self.window.kind, M::moment(stamp)) {
                (Kind::Fixed(span), Some(stamp)) => {
                    if self.marks.note(edge, stamp.reached) {
                        self.pass(span, sink);
                    }
                    let start = stamp.at.div_euclid(span).saturating_mul(span);
                    if start.saturating_add(span).saturating_add(self.window.lateness) <= stamp.watermark {
                        self.window.late.add(1);
                        continue;
                    }
                    start
                }
                _ => 0,
            };
            self.sides.entry(start).or_default().take_in::<J, _>(side, sink);
        }
    }

    fn finish<K: FnMut(J::Out)>(&mut self, sink: &mut K) {
        for (_, sides) in std::mem::take(&mut self.sides) {
            sides.end::<J, _>(sink);
        }
    }
}
