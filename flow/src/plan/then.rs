//! One operator after another in the same stage.

use std::fmt;

use futures_util::future::BoxFuture;
use stage_core::ProducerRef;
use tokio::time::Instant;

use super::{Build, Exit, Feeds, Give, Layer, Operator, Origin, Outline, Place};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::time::{Progress, Reached, Time, Untimed};

/// An origin whose events go through a layer's operators first, in the stages of whichever layer follows.
#[derive(Clone, Debug)]
pub struct Staged<O, X> {
    pub(crate) origin: O,
    pub(crate) first: X,
    /// A one-word description of the first layer.
    pub(crate) what: &'static str,
}

impl<O, X> Origin for Staged<O, X>
where
    O: Origin,
    X: Layer<In = <O::Time as Time>::Of<O::Item>>,
{
    type Item = X::Out;
    type Time = Untimed;

    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = X::Out>,
    {
        self.origin.open(Then { first: self.first.clone(), then: layer }, build, exit)
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        self.origin.outline(outline)
    }

    fn is_partitioned(&self) -> bool {
        self.origin.is_partitioned()
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        names.push(self.what);
    }

    fn windows(&self) -> Option<String> {
        self.first.windows()
    }
}

/// Two layers in the same stages; the options are those of the second.
pub struct Then<A, B> {
    first: A,
    then: B,
}

impl<A: Clone, B: Clone> Clone for Then<A, B> {
    fn clone(&self) -> Self {
        Self { first: self.first.clone(), then: self.then.clone() }
    }
}

impl<A, B> fmt::Debug for Then<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then").finish_non_exhaustive()
    }
}

impl<A: Layer, B: Layer<In = A::Out>> Layer for Then<A, B> {
    type In = A::In;
    type Out = B::Out;
    type Operator = Then<A::Operator, B::Operator>;

    fn operator(&self, place: Place) -> Self::Operator {
        Then { first: self.first.operator(place), then: self.then.operator(place) }
    }

    fn options(&self) -> &LayerOptions {
        self.then.options()
    }

    fn name(&self) -> String {
        self.then.name()
    }

    fn operators(&self) -> Vec<String> {
        self.then.operators()
    }

    fn check(&self) -> Result<(), FlowError> {
        self.first.check()?;
        self.then.check()
    }
}

/// The results of the first operator for a batch.
struct Results<'a, A, E> {
    first: &'a mut A,
    edge: usize,
    events: E,
}

/// The results of the first operator for the events that another one makes.
struct ResultsOf<'a, A, E>(Results<'a, A, E>);

impl<A: Operator, E: Iterator<Item = A::In>> Give<A::Out> for Results<'_, A, E> {
    #[inline]
    fn give(self, each: &mut impl FnMut(A::Out)) {
        self.first.batch(self.edge, self.events, each);
    }
}

impl<A: Operator, E: Give<A::In>> Give<A::Out> for ResultsOf<'_, A, E> {
    #[inline]
    fn give(self, each: &mut impl FnMut(A::Out)) {
        let Self(Results { first, edge, events }) = self;
        first.given(edge, events, each);
    }
}

/// Returns a function that passes each event to the second operator. It has one type for all calls of the first one, as
/// the functions that stages pass.
#[inline]
fn feeding<'a, B: Operator, K: FnMut(B::Out)>(
    then: &'a mut B,
    edge: usize,
    sink: &'a mut K,
) -> impl FnMut(B::In) {
    move |event| then.batch(edge, std::iter::once(event), sink)
}

impl<A: Operator, B: Operator<In = A::Out>> Operator for Then<A, B> {
    type In = A::In;
    type Out = B::Out;

    fn fed_by(&mut self, feeds: Feeds) {
        self.first.fed_by(feeds);
        self.then.fed_by(feeds);
    }

    fn reached(&self) -> Option<Reached> {
        self.first.reached().or_else(|| self.then.reached())
    }

    fn takes_batches(&self) -> bool {
        self.first.takes_batches()
    }

    fn batch<K: FnMut(B::Out)>(&mut self, edge: usize, events: impl Iterator<Item = A::In>, sink: &mut K) {
        self.then.given(edge, Results { first: &mut self.first, edge, events }, sink);
    }

    fn given<K: FnMut(B::Out)>(&mut self, edge: usize, events: impl Give<A::In>, sink: &mut K) {
        self.then.given(edge, ResultsOf(Results { first: &mut self.first, edge, events }), sink);
    }

    fn holds_back(&self) -> bool {
        self.first.holds_back()
    }

    fn hear<K: FnMut(B::Out)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        self.first.hear(edge, progress, &mut feeding(&mut self.then, edge, sink));
    }

    fn edge_ended<K: FnMut(B::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.first.edge_ended(edge, &mut feeding(&mut self.then, edge, sink));
        self.then.edge_ended(edge, sink);
    }

    fn finish<K: FnMut(B::Out)>(&mut self, sink: &mut K) {
        self.first.finish(&mut feeding(&mut self.then, 0, sink));
        self.then.finish(sink);
    }

    fn alarm(&self) -> Option<Instant> {
        [self.first.alarm(), self.then.alarm()].into_iter().flatten().min()
    }

    fn ring<K: FnMut(B::Out)>(&mut self, sink: &mut K) {
        let now = Instant::now();
        let is_due = |alarm: Option<Instant>| alarm.is_some_and(|at| at <= now);
        if is_due(self.first.alarm()) {
            self.first.ring(&mut feeding(&mut self.then, 0, sink));
        }
        if is_due(self.then.alarm()) {
            self.then.ring(sink);
        }
    }
}
