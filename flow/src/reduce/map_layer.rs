//! A layer that only has steps: the results of each event are emitted at once.

use super::Marks;
use crate::chain::{Chain, InOf, TimeOf};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Origin as _, Place};
use crate::time::{Carried, Progress, Reached, Time};

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
    /// The progress last announced downstream.
    sent: Progress,
}

impl<C: Chain> std::fmt::Debug for MapOperator<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MapOperator").finish_non_exhaustive()
    }
}

/// Returns the names of the steps of a chain, joined; `otherwise` if there are none.
pub(crate) fn name_of<C: Chain>(chain: &C, options: &LayerOptions, otherwise: &'static str) -> String {
    if let Some(name) = &options.name {
        return name.to_string();
    }
    let mut names = Vec::new();
    chain.origin().steps(&mut names);
    chain.steps(&mut names);
    if names.is_empty() { otherwise.to_owned() } else { names.join("·") }
}

impl<C: Chain> Layer for MapLayer<C> {
    type In = <TimeOf<C> as Time>::Of<InOf<C>>;
    type Out = <TimeOf<C> as Time>::Of<C::Out>;
    type Operator = MapOperator<C>;

    fn operator(&self, _place: Place) -> MapOperator<C> {
        let (chain, state) = (self.chain.clone(), self.chain.state());
        MapOperator { chain, state, marks: Marks::new(), sent: Progress::UNKNOWN }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        name_of(&self.chain, &self.options, "pass")
    }

    fn check(&self) -> Result<(), FlowError> {
        if self.windowed { Err(FlowError::Window { layer: self.name() }) } else { Ok(()) }
    }
}

impl<C: Chain> MapOperator<C> {
    /// Announces this stage's progress downstream, unless an event already carried it.
    fn tell<K: FnMut(<TimeOf<C> as Time>::Of<C::Out>)>(&mut self, sink: &mut K) {
        let now = self.marks.progress().filter(|now| *now != self.sent && *now != Progress::UNKNOWN);
        if let Some(now) = now
            && let Some(mark) = TimeOf::<C>::mark(now)
        {
            self.sent = now;
            sink(mark);
        }
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

    fn edge_ended<K: FnMut(Self::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.marks.ended(edge);
        self.tell(sink);
    }

    fn batch<K: FnMut(Self::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = Self::In>,
        sink: &mut K,
    ) {
        for carried in events {
            let (mut stamp, event) = match TimeOf::<C>::open(carried) {
                Carried::Event(stamp, event) => (stamp, event),
                Carried::Mark(progress) => {
                    self.marks.told(edge, progress);
                    continue;
                }
            };
            if let Some(told) = TimeOf::<C>::moment(stamp) {
                self.marks.note(edge, told.reached);
                stamp = TimeOf::<C>::sent_on(stamp, self.marks.reached());
            }
            let (sent, now) = (&mut self.sent, self.marks.reached());
            self.chain.push(&mut self.state, stamp, event, &mut |stamp, event| {
                *sent = Progress { reached: now, idle: false };
                sink(TimeOf::<C>::close(stamp, event));
            });
        }
        self.tell(sink);
    }
}
