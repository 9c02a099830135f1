//! A query over events: the origin of the events, and the steps applied to each.

use std::fmt;
use std::sync::Arc;

use stage_core::Tuning;

use crate::chain::{CarriedOf, Chain, CopyOf, InOf, Start};
use crate::options::{FedBy, LayerOptions};
use crate::plan::{Fed, LayerNode, NodeOf, Origin, Outline, Place, Sourced};
use crate::reduce::MapLayer;
use crate::refused::Refused;
use crate::source::{Iters, NoStamp};
use crate::window::{MakeTrigger, TakesLate, WindowSpec};

/// A query over events: a description that does nothing until it is run, and can be run any number of times.
///
/// `C` is the chain of steps since the beginning of the last layer. Cloning a flow is cheap.
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
/// // Runs the same flow again.
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
    pub(crate) custom_trigger: Option<MakeTrigger<InOf<C>>>,
    pub(crate) late: Option<TakesLate<InOf<C>>>,
}

impl<C: Chain> Clone for Flow<C> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            options: self.options.clone(),
            window: self.window.clone(),
            copy: self.copy,
            custom_trigger: self.custom_trigger.clone(),
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
            custom_trigger: None,
            late: None,
        }
    }
}

impl<C: Chain> Flow<C> {
    /// Sets the number of stages of this layer, from 1 to 4096. Default: the number of cores.
    ///
    /// # Errors
    ///
    /// With any other number, the flow does not start and returns
    /// [`FlowError::Refused`](crate::FlowError::Refused).
    #[track_caller]
    pub fn stages(mut self, stages: usize) -> Self {
        self.options.set_stages(stages, Refused::stages("stages", stages));
        self
    }

    /// Fixes the window of each stage of this layer: the maximum demand on each stage before it, in events.
    /// Default: [tuned](Self::demand), or 1000 if only [`min_demand`](Self::min_demand) is set.
    ///
    /// ```
    /// use flow::{Flow, Place};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let (started, places) = std::sync::mpsc::channel();
    /// let squares = Flow::from_slice([1_u64, 2, 3])
    ///     .stages(1)
    ///     .max_demand(10)
    ///     .min_demand(5)
    ///     .on_init(move |place| started.send(place).unwrap_or_default())
    ///     .map(|number| number * number);
    /// assert_eq!(squares.collect::<Vec<_>>().await?, [1, 4, 9]);
    /// squares.run().await?;
    /// assert_eq!(places.try_recv(), Ok(Place { index: 0, of: 1 }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_demand(mut self, events: usize) -> Self {
        self.options.max_demand = Some(events);
        self
    }

    /// Fixes the window: the number of outstanding events at which a stage asks for more. Default: half of
    /// `max_demand`.
    pub fn min_demand(mut self, events: usize) -> Self {
        self.options.min_demand = Some(events);
        self
    }

    /// Sets how the window of each stage of this layer is chosen: a [tuned](Tuning::Auto) one follows the speed of
    /// the stage, whatever `max_demand` and `min_demand` are. The stages of [`through`](Self::through),
    /// [`map_async`](Self::map_async) and [`par_map`](Self::par_map) have a fixed one, 1000 and 500. Default:
    /// [tuned](Tuning::Auto), unless `max_demand` or `min_demand` is set.
    ///
    /// If the layer before deals its events by key, the bound of a tuned window is 8192 events divided by the number of its
    /// stages, at least 1024 and at most 4096: [`Tuning::UpTo`] sets another bound, for large events.
    ///
    /// ```
    /// use flow::Flow;
    /// use stage_core::Tuning;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let squares = Flow::from_items(0..10_u64).stages(1).demand(Tuning::UpTo(16)).map(|number| number * number);
    /// assert_eq!(squares.collect::<Vec<_>>().await?.into_iter().sum::<u64>(), 285);
    /// # Ok(())
    /// # }
    /// ```
    pub fn demand(mut self, tuning: Tuning) -> Self {
        self.options.demand = Some(tuning);
        self
    }

    /// Sets the name of this layer in errors and plans. Default: derived from its steps.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Calls a function once for each stage of this layer before the stage starts.
    pub fn on_init(mut self, function: impl Fn(Place) + Send + Sync + 'static) -> Self {
        self.options.on_init = Some(Arc::new(function));
        self
    }

    /// Returns whether the layer has a window or a trigger, which need a reducer.
    pub(crate) fn is_windowed(&self) -> bool {
        !self.window.is_plain() || self.custom_trigger.is_some()
    }

    /// Returns the stages that run this layer's steps.
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

    /// Returns the plan of the flow before a run: its layers with their operators, stages and windows, the edges between
    /// them, and how their stages ask for events.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::{Flow, Window};
    ///
    /// let counts = Flow::from_items([(0_i64, "a b"), (61_000, "a")])
    ///     .event_time(|line| line.0, Duration::MAX)
    ///     .flat_map(|line| line.1.split(' ').collect::<Vec<_>>())
    ///     .stages(1)
    ///     .partition(|word| *word)
    ///     .stages(4)
    ///     .window(Window::fixed(Duration::from_secs(60)))
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .emit_state();
    /// let plan = "0: iterator × 1
    /// 1: flat_map × 1 ← 0; demand auto
    /// 2: reduce × 4 ← 1 by partition; windows of 60s; demand auto
    /// ";
    /// assert_eq!(counts.explain().to_string(), plan);
    /// ```
    pub fn explain(&self) -> Outline {
        Outline::of(&*self.node()).finished()
    }
}
