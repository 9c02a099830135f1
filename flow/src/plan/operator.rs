//! The parts of a layer: the origin of its events, and the operator that each of its stages runs.

use futures_util::future::BoxFuture;
use stage_core::ProducerRef;
use tokio::time::Instant;

use super::{Build, Exit, NodeOf, Outline};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::time::{Progress, Reached, Time};

/// The position of a stage within its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number of the stage, from 0.
    pub index: usize,
    /// The number of stages of the layer.
    pub of: usize,
}

/// The input of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feeds {
    /// One part of a source, which the stage reads itself.
    OwnPart,
    /// This number of upstream stages.
    Stages(usize),
    /// These numbers of upstream stages, of two flows: the edges of the first one come first.
    Sides(usize, usize),
    /// This number of upstream stages, and further ones with the table that their events are looked up in.
    Table {
        /// The number of stages that emit events.
        events: usize,
        /// Whether these stages wait until the table is complete.
        holds: bool,
    },
}

impl Feeds {
    /// Returns the number of upstream stages, from the first, of which nothing is asked at the beginning.
    pub(crate) fn held(self) -> usize {
        match self {
            Self::Table { events, holds: true } => events,
            Self::OwnPart | Self::Stages(_) | Self::Sides(..) | Self::Table { .. } => 0,
        }
    }
}

/// The origin of the events of a layer.
pub trait Origin: Clone + Send + Sync + 'static {
    /// The type of the events.
    type Item: Send + 'static;
    /// Whether the events carry time.
    type Time: Time;

    /// Starts the stages of `layer`, fed from this origin.
    #[doc(hidden)]
    fn open<'a, L>(
        &'a self,
        layer: L,
        build: &'a Build,
        exit: Exit<L::Out>,
    ) -> BoxFuture<'a, Result<Vec<ProducerRef<L::Out>>, FlowError>>
    where
        L: Layer<In = <Self::Time as Time>::Of<Self::Item>>;

    /// Adds the layers before this one to `outline`; returns the numbers of those that feed it.
    #[doc(hidden)]
    fn outline(&self, outline: &mut Outline) -> Vec<usize>;

    /// Returns whether each event goes to the stage of its partition, and not to any that asks.
    #[doc(hidden)]
    fn is_partitioned(&self) -> bool {
        false
    }

    /// Adds the names of the steps that run before the first step of the chain.
    #[doc(hidden)]
    fn steps(&self, names: &mut Vec<&'static str>) {
        let _ = names;
    }

    /// Returns the windows of the operators that run before the first step of the chain, in words, if they have any.
    #[doc(hidden)]
    fn windows(&self) -> Option<String> {
        None
    }

    /// Returns the stages before, if a subscriber can receive from them directly without loss.
    #[doc(hidden)]
    fn node(&self) -> Option<NodeOf<<Self::Time as Time>::Of<Self::Item>>> {
        None
    }
}

/// The stages between two exchanges: creates the operator of each stage.
pub trait Layer: Clone + Send + Sync + 'static {
    /// The type of the input events.
    type In: Send + 'static;
    /// The type of the emitted events.
    type Out: Send + 'static;
    /// The operator that each stage runs.
    type Operator: Operator<In = Self::In, Out = Self::Out>;

    /// Creates the operator of the stage at `place`.
    #[doc(hidden)]
    fn operator(&self, place: Place) -> Self::Operator;

    /// Returns the options of the layer.
    #[doc(hidden)]
    fn options(&self) -> &LayerOptions;

    /// Returns a short description of the layer.
    #[doc(hidden)]
    fn name(&self) -> String;

    /// Returns the operators that run in each stage of the layer, in order, whatever the layer is called.
    #[doc(hidden)]
    fn operators(&self) -> Vec<String> {
        vec![self.name()]
    }

    /// Returns the windows of the layer, in words, if it has any.
    #[doc(hidden)]
    fn windows(&self) -> Option<String> {
        None
    }

    /// Checks that the layer can run as described.
    ///
    /// # Errors
    ///
    /// Returns the first invalid option.
    #[doc(hidden)]
    fn check(&self) -> Result<(), FlowError> {
        Ok(())
    }
}

/// Passes events on, one at a time: the results of an operator, as they are made.
#[doc(hidden)]
pub trait Give<T> {
    /// Passes all events to `each`.
    fn give(self, each: &mut impl FnMut(T));
}

/// The logic of one stage: a value without side effects, apart from the clock that alarms use.
pub trait Operator: Send + 'static {
    /// The type of the input events.
    type In: Send + 'static;
    /// The type of the emitted events.
    type Out: Send + 'static;

    /// Called before the first batch with the input of the stage.
    #[doc(hidden)]
    fn fed_by(&mut self, feeds: Feeds) {
        let _ = feeds;
    }

    /// Returns the event time that the operator has reached, if its events carry time and some have come.
    #[doc(hidden)]
    fn reached(&self) -> Option<Reached> {
        None
    }

    /// Returns whether the operator takes all events of a batch before it emits any.
    #[doc(hidden)]
    fn takes_batches(&self) -> bool {
        false
    }

    /// Handles a batch from the input edge with this number; passes the results to `sink`, in order.
    #[doc(hidden)]
    fn batch<K: FnMut(Self::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = Self::In>,
        sink: &mut K,
    );

    /// Handles the events that another operator of the same stage makes of a batch, as they are made: an operator that
    /// prepares for each batch does so once for all of them.
    #[doc(hidden)]
    fn given<K: FnMut(Self::Out)>(&mut self, edge: usize, events: impl Give<Self::In>, sink: &mut K) {
        events.give(&mut |event| self.batch(edge, std::iter::once(event), sink));
    }

    /// The stage at the input edge with this number has announced its progress, behind the events so far.
    #[doc(hidden)]
    fn hear<K: FnMut(Self::Out)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        let _ = (edge, progress, sink);
    }

    /// Returns whether the edges that [`Feeds::held`] counts still wait.
    #[doc(hidden)]
    fn holds_back(&self) -> bool {
        false
    }

    /// Returns the progress to announce to the next stages, if the emitted events carry time.
    #[doc(hidden)]
    fn progress(&self) -> Option<Progress> {
        None
    }

    /// The input edge with this number has ended; others may still deliver events.
    #[doc(hidden)]
    fn edge_ended<K: FnMut(Self::Out)>(&mut self, edge: usize, sink: &mut K) {
        let _ = (edge, sink);
    }

    /// All inputs have ended.
    #[doc(hidden)]
    fn finish<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let _ = sink;
    }

    /// Whether [`go_on`](Self::go_on) has more to emit, also after [`finish`](Self::finish).
    #[doc(hidden)]
    fn has_more(&self) -> bool {
        false
    }

    /// Emits the next part of a long output.
    #[doc(hidden)]
    fn go_on<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        let _ = sink;
    }

    /// Returns the time of the next call of [`ring`](Self::ring), if any.
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
