//! A part of a plan with its types erased, except the type of the events it emits.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stage_core::ProducerRef;

use super::{Build, Exit, Feeds, Layer, Origin, Outline, OutlineLayer};
use crate::error::FlowError;
use crate::time::Time;

/// The stages before a layer, and how they feed it.
pub(crate) type Upstream<E> = (Vec<ProducerRef<E>>, Feeds);

/// A shared [`Node`].
pub(crate) type NodeOf<E> = Arc<dyn Node<E>>;

/// A part of a plan whose stages emit `E` and are not started yet.
pub trait Node<E: Send + 'static>: Send + Sync {
    /// Starts these stages and all stages before them; they dispatch their events by `exit`.
    #[doc(hidden)]
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<E>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<E>>, FlowError>>;

    /// Starts the stages like [`build`](Self::build), and states how the layer that follows is fed.
    #[doc(hidden)]
    fn build_sides<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<E>,
    ) -> BoxFuture<'a, Result<Upstream<E>, FlowError>> {
        async move {
            let upstream = self.build(build, exit).await?;
            let feeds = Feeds::Stages(upstream.len());
            Ok((upstream, feeds))
        }
        .boxed()
    }

    /// Starts the stages of a part that send every event to each of their subscribers, one for each layer that the
    /// part feeds; `None` if this is no such part.
    #[doc(hidden)]
    fn build_common<'a>(
        &'a self,
        build: &'a Build,
    ) -> Option<BoxFuture<'a, Result<Vec<ProducerRef<E>>, FlowError>>> {
        let _ = build;
        None
    }

    /// Returns whether the events of this part go to any stage that asks, whatever the layer behind it does with others.
    #[doc(hidden)]
    fn is_asked_by_demand(&self) -> bool {
        false
    }

    /// Adds the layers of this part to `outline`; returns their numbers.
    #[doc(hidden)]
    fn outline(&self, outline: &mut Outline) -> Vec<usize>;
}

/// A layer and the origin that feeds it.
#[derive(Clone, Debug)]
pub struct LayerNode<O, L> {
    pub(crate) origin: O,
    pub(crate) layer: L,
}

impl<O, L> Node<L::Out> for LayerNode<O, L>
where
    O: Origin,
    L: Layer<In = <O::Time as Time>::Of<O::Item>>,
{
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>> {
        self.origin.open(self.layer.clone(), build, exit)
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        let from = self.origin.outline(outline);
        let windows: Vec<_> = self.origin.windows().into_iter().chain(self.layer.windows()).collect();
        vec![outline.add(OutlineLayer {
            name: self.layer.name(),
            operators: self.layer.operators(),
            is_partitioned: self.origin.is_partitioned(),
            windows: (!windows.is_empty()).then(|| windows.join("; then ")),
            ..OutlineLayer::fed(self.layer.options(), from)
        })]
    }
}

/// Several parts that emit events of the same type.
pub struct Merged<E> {
    pub(crate) parts: Vec<NodeOf<E>>,
}

impl<E> std::fmt::Debug for Merged<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged").field("parts", &self.parts.len()).finish()
    }
}

impl<E: Send + 'static> Node<E> for Merged<E> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<E>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<E>>, FlowError>> {
        async move {
            let mut all = Vec::new();
            for part in &self.parts {
                all.extend(part.build(build, exit.clone()).await?);
            }
            Ok(all)
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        self.parts.iter().flat_map(|part| part.outline(outline)).collect()
    }
}

/// The two sides of a join, as events of one type.
pub(crate) struct Sides<E> {
    pub(crate) left: NodeOf<E>,
    pub(crate) right: NodeOf<E>,
}

impl<E: Send + 'static> Node<E> for Sides<E> {
    fn build<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<E>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<E>>, FlowError>> {
        async move { Ok(self.build_sides(build, exit).await?.0) }.boxed()
    }

    fn build_sides<'a>(
        &'a self,
        build: &'a Build,
        exit: Exit<E>,
    ) -> BoxFuture<'a, Result<Upstream<E>, FlowError>> {
        async move {
            let mut all = self.left.build(build, exit.clone()).await?;
            let left = all.len();
            all.extend(self.right.build(build, exit).await?);
            let feeds = Feeds::Sides(left, all.len() - left);
            Ok((all, feeds))
        }
        .boxed()
    }

    fn outline(&self, outline: &mut Outline) -> Vec<usize> {
        let sides = [&self.left, &self.right];
        sides.into_iter().flat_map(|side| side.outline(outline)).collect()
    }
}
