//! A layer that begins at a source: fed by the source's own stages, or fused with the parts of the source.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
#[cfg(feature = "persist")]
use stage_core::BoxError;
use stage_core::spawn::{DemandMode, producer};
use stage_core::{Capacity, ExitReason, ProducerRef};

use super::build::guarded;
use super::fed::feed;
use super::pass::Pass;
use super::{Build, Exit, Feeds, Layer, Node, NodeOf, Operator, Origin, Outline, Place};
use crate::error::FlowError;
use crate::exec::{Leave, Readers, SourceStage};
#[cfg(feature = "persist")]
use crate::persist::PartByPart;
#[cfg(feature = "persist")]
use crate::source::{ByTime, LiveByTime};
use crate::source::{LiveStamper, Mapped, Part, Source, Stamper, Taker};
use crate::time::{Progress, Time};

/// Events of a source whose parts cannot be split: each part is a stage, and feeds every stage of the layer.
pub struct Sourced<S, M> {
    pub(crate) source: S,
    pub(crate) stamper: M,
}

/// Events of a source that is split into as many parts as the layer has stages: each stage reads its own.
pub struct Fused<S, M> {
    pub(crate) source: S,
    pub(crate) stamper: M,
}

impl<S: Clone, M: Clone> Clone for Sourced<S, M> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), stamper: self.stamper.clone() }
    }
}

impl<S: Clone, M: Clone> Clone for Fused<S, M> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), stamper: self.stamper.clone() }
    }
}

impl<S, M> fmt::Debug for Sourced<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sourced").finish_non_exhaustive()
    }
}

impl<S, M> fmt::Debug for Fused<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fused").finish_non_exhaustive()
    }
}

impl<S: Source, M: Stamper<S::Item>> Origin for Sourced<S, M> {
    type Item = S::Item;
    type Time = M::Time;

    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = <M::Time as Time>::Of<S::Item>>,
    {
        async move {
            layer.check()?;
            layer.options().check()?;
            let name = build.name(&layer.name());
            let consumers = layer.options().count();
            let upstream = self.build(build, Exit::as_asked(consumers, Readers::Own)).await?;
            let feeds = Feeds::Stages(upstream.len());
            feed(layer, name, false, (upstream, feeds), build, exit).await
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        vec![outline.add_stages(self.source.name(), self.source.count(), Vec::new())]
    }

    fn node(&self) -> Option<NodeOf<<M::Time as Time>::Of<S::Item>>> {
        Some(Arc::new(self.clone()))
    }
}

#[cfg(feature = "persist")]
impl<S: Source, F> PartByPart for Sourced<S, ByTime<F>>
where
    F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
{
    type Part = Stamping<S::Part, LiveByTime<S::Item, F>>;

    fn source(&self) -> String {
        self.source.name()
    }

    fn repeats(&self) -> bool {
        self.source.repeats()
    }

    fn idle_after(&self) -> Option<Duration> {
        self.stamper.idle_after
    }

    fn ways(&self) -> Result<usize, BoxError> {
        Ok(self.source.count())
    }

    fn way(&self, number: usize) -> Result<Self::Part, BoxError> {
        part_of(&self.source, usize::MAX, number, self.stamper.live())
    }
}

/// The number of stages does not decide about the parts: it may differ between machines.
#[cfg(feature = "persist")]
impl<S: Source, F> PartByPart for Fused<S, ByTime<F>>
where
    F: Fn(&S::Item) -> i64 + Send + Sync + 'static,
{
    type Part = Stamping<S::Part, LiveByTime<S::Item, F>>;

    fn source(&self) -> String {
        self.source.name()
    }

    fn repeats(&self) -> bool {
        self.source.repeats()
    }

    fn idle_after(&self) -> Option<Duration> {
        self.stamper.idle_after
    }

    fn ways(&self) -> Result<usize, BoxError> {
        Ok(self.source.parts(1)?.len())
    }

    fn way(&self, number: usize) -> Result<Self::Part, BoxError> {
        part_of(&self.source, 1, number, self.stamper.live())
    }
}

/// Returns one of at most `most` parts of a source.
#[cfg(feature = "persist")]
fn part_of<S: Source, V>(
    source: &S,
    most: usize,
    number: usize,
    live: V,
) -> Result<Stamping<S::Part, V>, BoxError> {
    let mut parts = source.parts(most)?;
    if number >= parts.len() {
        return Err(format!("the source has {} parts, and none with number {number}", parts.len()).into());
    }
    Ok(Stamping { part: parts.swap_remove(number), live })
}

/// The stages of the source alone.
impl<S: Source, M: Stamper<S::Item>> Node<<M::Time as Time>::Of<S::Item>> for Sourced<S, M> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<<M::Time as Time>::Of<S::Item>>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<<M::Time as Time>::Of<S::Item>>>, FlowError>> {
        let pass = |_| Ok(Pass::<M::Time, S::Item>::new());
        let name = build.name(&self.source.name());
        read(&self.source, &self.stamper, usize::MAX, name, pass, build, exit).boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        Origin::outline(self, outline)
    }
}

impl<S: Source, M: Stamper<S::Item>> Origin for Fused<S, M> {
    type Item = S::Item;
    type Time = M::Time;

    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = <M::Time as Time>::Of<S::Item>>,
    {
        async move {
            layer.check()?;
            layer.options().check()?;
            let name = build.name(&layer.name());
            let most = layer.options().count();
            let stages = name.clone();
            let operator = |place| Build::operator(&layer, &stages, place);
            read(&self.source, &self.stamper, most, name, operator, build, exit).await
        }
        .boxed()
    }

    fn outline(&self, _outline: &mut Outline) -> Vec<usize> {
        Vec::new()
    }

    fn steps(&self, names: &mut Vec<&'static str>) {
        names.push("read");
    }
}

/// Starts a stage for each part of `source`, at most `most`.
async fn read<S, M, P>(
    source: &S,
    stamper: &M,
    most: usize,
    name: String,
    operator: impl Fn(Place) -> Result<P, FlowError>,
    build: &Build,
    exit: Exit<P::Out>,
) -> Result<Vec<ProducerRef<P::Out>>, FlowError>
where
    S: Source,
    M: Stamper<S::Item>,
    P: Operator<In = <M::Time as Time>::Of<S::Item>>,
{
    let parts = guarded(&name, || source.parts(most))?
        .map_err(|error| FlowError::Stage { stage: name.clone(), reason: ExitReason::from(error) })?;
    let of = parts.len();
    let mut outputs = Vec::with_capacity(of);
    for (index, part) in parts.into_iter().enumerate() {
        let place = Place { index, of };
        let part = Stamping { part, live: stamper.live() };
        let stage =
            SourceStage::new(part, operator(place)?, build.ends(0, &exit), build.gauges.add(&name, index));
        let options = build
            .stage_options(&name, index, &exit)
            // A reducer emits its final results without demand for each of them.
            .buffer(Capacity::Unbounded)
            .demand(DemandMode::Accumulate);
        let stage = producer(stage, options).await.map_err(Build::failed)?;
        outputs.push(stage.producer());
        build.keep(stage.clone());
        build.keep_source(move || stage.cast(Leave).unwrap_or_default());
    }
    Ok(outputs)
}

/// A part of a source whose items get their stamps.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "persist"),
    allow(unreachable_pub, reason = "a part of the public plans of that feature")
)]
pub struct Stamping<P, M> {
    part: P,
    live: M,
}

impl<P: Part, V: LiveStamper<P::Item>> Part for Stamping<P, V> {
    type Item = <V::Time as Time>::Of<P::Item>;

    fn wake_by(&mut self, waker: &std::task::Waker) {
        self.part.wake_by(waker);
    }

    fn at_once(&self) -> usize {
        self.part.at_once()
    }

    fn read(
        &mut self,
        most: usize,
        each: &mut impl FnMut(Self::Item),
    ) -> Result<crate::source::More, stage_core::BoxError> {
        let live = &mut self.live;
        self.part.read(most, &mut |item| each(live.stamp(item)))
    }

    #[inline]
    fn read_in_one(
        &mut self,
        most: usize,
        taker: &mut impl Taker<Self::Item>,
    ) -> Result<crate::source::More, stage_core::BoxError> {
        self.part.read_in_one(most, &mut StampingTaker { live: &mut self.live, taker })
    }

    fn patience(&self) -> Option<Duration> {
        self.live.patience()
    }

    fn idle(&mut self) -> Option<Progress> {
        self.live.idle()
    }

    fn end(&mut self) -> Option<Progress> {
        self.live.end()
    }
}

/// Passes stamped events to a taker.
struct StampingTaker<'a, V, K> {
    live: &'a mut V,
    taker: &'a mut K,
}

impl<T, V, K> Taker<T> for StampingTaker<'_, V, K>
where
    T: Send + 'static,
    V: LiveStamper<T>,
    K: Taker<<V::Time as Time>::Of<T>>,
{
    fn wanted(&self) -> usize {
        self.taker.wanted()
    }

    #[inline]
    fn take(&mut self, events: impl Iterator<Item = T>) -> usize {
        let Self { live, taker } = self;
        let live = &mut **live;
        taker.take(Mapped::new(events, move |event| live.stamp(event)))
    }

    #[inline]
    fn take_all(&mut self, events: impl Iterator<Item = T>) {
        let Self { live, taker } = self;
        let live = &mut **live;
        taker.take_all(Mapped::new(events, move |event| live.stamp(event)));
    }
}
