//! What a layer is made of: where its events come from, and what each of its stages does with them.

use futures_util::future::BoxFuture;
use stage_core::ProducerRef;
use tokio::time::Instant;

use super::{Build, Exit, NodeOf, Outline};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::time::Time;

/// Which of the stages of its layer a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number of the stage, from 0.
    pub index: usize,
    /// How many stages there are.
    pub of: usize,
}

/// What feeds a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feeds {
    /// One part of a source, which it reads itself.
    OwnPart,
    /// So many stages.
    Stages(usize),
}

/// Where the events of a layer come from.
pub trait Origin: Clone + Send + Sync + 'static {
    /// The events.
    type Item: Send + 'static;
    /// What they carry.
    type Time: Time;

    /// Starts the stages of `layer`, fed from here.
    #[doc(hidden)]
    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = <Self::Time as Time>::Of<Self::Item>>;

    /// Describes what is before the layer; the numbers of what feeds it.
    #[doc(hidden)]
    fn outline(&self, outline: &mut Outline) -> Vec<usize>;

    /// The names of steps that are done before the first of the chain.
    #[doc(hidden)]
    fn steps(&self, names: &mut Vec<&'static str>) {
        let _ = names;
    }

    /// The stages before, if nothing is lost when what follows subscribes to them directly.
    #[doc(hidden)]
    fn node(&self) -> Option<NodeOf<<Self::Time as Time>::Of<Self::Item>>> {
        None
    }
}

/// The stages between two exchanges: how to make what each of them runs.
pub trait Layer: Clone + Send + Sync + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it emits.
    type Out: Send + 'static;
    /// What each stage runs.
    type Operator: Operator<In = Self::In, Out = Self::Out>;

    /// What the stage at `place` runs.
    #[doc(hidden)]
    fn operator(&self, place: Place) -> Self::Operator;

    /// How the layer runs.
    #[doc(hidden)]
    fn options(&self) -> &LayerOptions;

    /// What it does, in a few words.
    #[doc(hidden)]
    fn name(&self) -> String;

    /// Whether it can run as it was described.
    ///
    /// # Errors
    ///
    /// What cannot work.
    #[doc(hidden)]
    fn check(&self) -> Result<(), FlowError> {
        Ok(())
    }
}

/// What one stage does with its events: a pure value, apart from the clock that alarms go by.
pub trait Operator: Send + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it emits.
    type Out: Send + 'static;

    /// It is fed by so many stages.
    #[doc(hidden)]
    fn fed_by(&mut self, feeds: Feeds) {
        let _ = feeds;
    }

    /// Takes a batch that came by the edge with this number; `sink` gets what comes of it, in order.
    #[doc(hidden)]
    fn batch<K: FnMut(Self::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = Self::In>,
        sink: &mut K,
    );

    /// The edge with this number will bring nothing more; others may.
    #[doc(hidden)]
    fn edge_ended<K: FnMut(Self::Out)>(&mut self, edge: usize, sink: &mut K) {
        let _ = (edge, sink);
    }

    /// There will be no more events: all who make them have come to their end.
    #[doc(hidden)]
    fn finish<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let _ = sink;
    }

    /// Whether [`go_on`](Self::go_on) has more to hand out, also after [`finish`](Self::finish).
    #[doc(hidden)]
    fn has_more(&self) -> bool {
        false
    }

    /// Hands out the next part of a long output.
    #[doc(hidden)]
    fn go_on<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let _ = sink;
    }

    /// When [`ring`](Self::ring) is to be called next, if ever.
    #[doc(hidden)]
    fn alarm(&self) -> Option<Instant> {
        None
    }

    /// The time of the alarm has come.
    #[doc(hidden)]
    fn ring<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let _ = sink;
    }
}
