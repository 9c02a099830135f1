//! A layer that only has steps: the results of each event are emitted at once.

use super::Marks;
use crate::chain::{Chain, InOf, TimeOf};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Origin as _, Place};
use crate::time::{Progress, Reached, Time};

/// A layer of steps without a reducer.
#[derive(Clone, Debug)]
pub struct MapLayer<C> {
    pub(crate) chain: C,
    pub(crate) options: LayerOptions,
    /// Whether windows were declared; they have no meaning without a reducer.
    pub(crate) windowed: bool,
}

/// The operator of each stage of the layer.
pub struct MapOperator<C: Chain> {
    chain: C,
    state: C::State,
    marks: Marks,
}

impl<C: Chain> std::fmt::Debug for MapOperator<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MapOperator").finish_non_exhaustive()
    }
}

/// Returns the names of the steps of a layer.
pub(super) fn steps_of<C: Chain>(chain: &C) -> Vec<String> {
    let mut names = Vec::new();
    chain.origin().steps(&mut names);
    chain.steps(&mut names);
    owned(&names)
}

/// Compiled once, and not for each chain.
fn owned(names: &[&'static str]) -> Vec<String> {
    names.iter().copied().map(str::to_owned).collect()
}

impl<C: Chain> Layer for MapLayer<C> {
    type In = <TimeOf<C> as Time>::Of<InOf<C>>;
    type Out = <TimeOf<C> as Time>::Of<C::Out>;
    type Operator = MapOperator<C>;

    fn operator(&self, _place: Place) -> MapOperator<C> {
        let (chain, state) = (self.chain.clone(), self.chain.state());
        MapOperator { chain, state, marks: Marks::new() }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        if let Some(name) = &self.options.name {
            return name.to_string();
        }
        let steps = self.operators();
        if steps.is_empty() { "pass".to_owned() } else { steps.join("·") }
    }

    fn operators(&self) -> Vec<String> {
        steps_of(&self.chain)
    }

    fn check(&self) -> Result<(), FlowError> {
        if self.windowed { Err(FlowError::Window { layer: self.name() }) } else { Ok(()) }
    }
}

impl<C: Chain> Operator for MapOperator<C> {
    type In = <TimeOf<C> as Time>::Of<InOf<C>>;
    type Out = <TimeOf<C> as Time>::Of<C::Out>;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
    }

    fn reached(&self) -> Option<Reached> {
        self.marks.seen()
    }

    fn hear<K: FnMut(Self::Out)>(&mut self, edge: usize, progress: Progress, _sink: &mut K) {
        self.marks.told(edge, progress);
    }

    fn progress(&self) -> Option<Progress> {
        if TimeOf::<C>::IS_TIMED { self.marks.progress() } else { None }
    }

    fn edge_ended<K: FnMut(Self::Out)>(&mut self, edge: usize, _sink: &mut K) {
        self.marks.ended(edge);
    }

    #[inline]
    fn batch<K: FnMut(Self::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = Self::In>,
        sink: &mut K,
    ) {
        // The progress of the only input is that of the stage, so it is recorded once for all events. There is one loop
        // for both cases: with two, the iterator of a source is called for each event, and not inlined.
        let is_only = self.marks.has_one_input();
        let (mut reached, mut any) = (self.marks.reached(), false);
        events.for_each(|carried| {
            let (mut stamp, event) = TimeOf::<C>::open(carried);
            if let Some(told) = TimeOf::<C>::moment(stamp) {
                any = true;
                if is_only {
                    reached = reached.max(told.reached);
                } else if self.marks.note(edge, told.reached) {
                    reached = self.marks.reached();
                }
                stamp = TimeOf::<C>::sent_on(stamp, reached);
            }
            self.chain.push(&mut self.state, stamp, event, &mut |stamp, event| {
                sink(TimeOf::<C>::close(stamp, event));
            });
        });
        if is_only && any {
            self.marks.note(edge, reached);
        }
    }
}
