//! A query over events: where they come from, and the steps that are done with each.

use std::fmt;
use std::sync::Arc;

use crate::chain::{CarriedOf, Chain, CopyOf, InOf, Start};
use crate::options::{FedBy, LayerOptions};
use crate::plan::{Fed, LayerNode, NodeOf, Origin, Outline, Place, Sourced};
use crate::reduce::MapLayer;
use crate::refused::Refused;
use crate::source::{Iters, NoStamp};
use crate::window::{Looks, TakesLate, WindowSpec};

/// A query: a description that nothing is done for until it is run, as often as it is run.
///
/// `C` is the chain of steps since the last layer began. A flow is cheap to clone.
///
/// ```
/// use flow::Flow;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let squares = Flow::from_items(1..=100_u64).filter(|number| number % 2 == 0).map(|number| number * number);
/// let mut all: Vec<u64> = squares.collect().await?;
/// all.sort_unstable();
/// assert_eq!((all.len(), all[0], all[49]), (50, 4, 10_000));
/// // The same flow again.
/// assert_eq!(squares.count().await?, 50);
/// # Ok(())
/// # }
/// ```
#[must_use = "a flow does nothing until it is run: collect, run, count, stream, iter or start it"]
pub struct Flow<C: Chain> {
    pub(crate) chain: C,
    pub(crate) options: LayerOptions,
    pub(crate) window: WindowSpec,
    pub(crate) copy: CopyOf<C>,
    pub(crate) looks: Option<Looks<InOf<C>>>,
    pub(crate) late: Option<TakesLate<InOf<C>>>,
}

impl<C: Chain> Clone for Flow<C> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            options: self.options.clone(),
            window: self.window.clone(),
            copy: self.copy,
            looks: self.looks.clone(),
            late: self.late.clone(),
        }
    }
}

impl<C: Chain> fmt::Debug for Flow<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A flow of the items of an iterator.
pub type IterFlow<I> = Flow<Start<Sourced<Iters<I>, NoStamp>>>;
/// A flow at the beginning of a layer that is fed by the layer before.
pub type LayerFlow<M, T> = Flow<Start<Fed<M, T>>>;

impl<O: Origin> Flow<Start<O>> {
    pub(crate) fn at(origin: O) -> Self {
        Self {
            chain: Start { origin },
            options: LayerOptions::default(),
            window: WindowSpec::default(),
            copy: None,
            looks: None,
            late: None,
        }
    }
}

impl<C: Chain> Flow<C> {
    /// Number of stages of this layer, from 1 to 4096. Default: the number of cores.
    ///
    /// # Errors
    ///
    /// With another number, the flow does not start: [`FlowError::Refused`](crate::FlowError::Refused).
    #[track_caller]
    pub fn stages(mut self, stages: usize) -> Self {
        self.options.set_stages(stages, Refused::stages("stages", stages));
        self
    }

    /// How many events each stage of this layer has asked of each stage before it at most. Default: 1000.
    pub fn max_demand(mut self, events: usize) -> Self {
        self.options.max_demand = events;
        self
    }

    /// At how many outstanding events more are asked for. Default: half of `max_demand`.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.options.min_demand = Some(events);
        self
    }

    /// What this layer is called, in errors and plans. Default: after its steps.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Calls a function once for each stage of this layer before it starts.
    pub fn on_init(mut self, function: impl Fn(Place) + Send + Sync + 'static) -> Self {
        self.options.on_init = Some(Arc::new(function));
        self
    }

    /// Whether the layer has a window or a trigger, which need a reducer.
    pub(crate) fn is_windowed(&self) -> bool {
        !self.window.is_plain() || self.looks.is_some()
    }

    /// The stages that do this layer's steps.
    pub(crate) fn node(&self) -> NodeOf<CarriedOf<C>> {
        let windowed = self.is_windowed();
        if let Some(node) = self.chain.node()
            && self.options.fed_by == FedBy::Layer
            && !windowed
            && self.options.refused.is_none()
        {
            return node;
        }
        let layer = MapLayer { chain: self.chain.clone(), options: self.options.clone(), windowed };
        Arc::new(LayerNode { origin: self.chain.origin().clone(), layer })
    }

    /// What will run: layers, their stages, and what feeds what.
    pub fn explain(&self) -> Outline {
        let mut outline = Outline::default();
        self.node().outline(&mut outline);
        outline
    }
}
