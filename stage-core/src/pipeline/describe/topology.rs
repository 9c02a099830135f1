//! The structure of a pipeline, as data.

use super::carried::Carried;
use crate::base::copies::Copies;
use crate::base::options::Placement;
use crate::credit::tuning::Tuning;
use crate::pipeline::draft::Shape;
use crate::pipeline::options::{Effective, OptionValue};

/// The steps of a pipeline with their effective options, and the links between them.
///
/// [`to_mermaid`](Self::to_mermaid) and [`to_dot`](Self::to_dot) draw it; its `Display` is a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Topology {
    /// The name of the pipeline.
    pub name: String,
    /// The steps, in the order of their declaration.
    pub steps: Vec<StepInfo>,
    /// The links between steps.
    pub links: Vec<Link>,
    /// The maximum number of events in flight: the demand along the [links](Link::in_flight), and the one
    /// batch that each step may handle ahead of demand. The bound assumes steps that emit at most one event
    /// for each input event; the extra output of other steps, which waits in their buffers, and the events
    /// that a dispatcher takes in ahead of demand come on top. `None` if there are batches without a declared
    /// size.
    pub in_flight: Option<usize>,
    /// The options of all steps.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(in crate::pipeline) options: Vec<OptionValue>,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepInfo {
    /// The name of the step.
    pub name: String,
    /// The kind of stage.
    pub kind: StepKind,
    /// The number of parallel copies in each lane; of an elastic step, the largest.
    pub count: usize,
    /// The range of the number of copies in each lane, if the step is elastic.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub elastic: Option<Copies>,
    /// The number of partition lanes that it runs in: 1 outside of partitions.
    pub lanes: usize,
    /// The outstanding demand at or below which each copy asks again, in the unit that its
    /// [links](Link::carries) carry. Not used by a source.
    pub min_demand: usize,
    /// The maximum number of events, or batches, that each copy has outstanding at each producer; of a tuned
    /// window, its bound. Not used by a source.
    pub max_demand: usize,
    /// How its window is chosen. A stage that asks by itself has a fixed one.
    pub demand: Tuning,
    /// The maximum number of events in each batch that it emits; `None` if it emits no batches, or without a
    /// declared size.
    pub batch_size: Option<usize>,
    /// Whether its copies are fed by key.
    pub keyed: bool,
    /// Where its callbacks run.
    pub placement: Placement,
    /// The name of the edge, if the step is one end of an [edge](crate::pipeline::Across): its sink, or its source.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub edge: Option<String>,
}

/// The kind of stage of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StepKind {
    /// Produces events.
    Producer,
    /// Transforms events.
    ProducerConsumer,
    /// Consumes events.
    Consumer,
    /// Produces and consumes events: a whole pipeline in one stage.
    Whole,
}

/// A link: one step takes the output of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Link {
    /// The step that emits.
    pub from: String,
    /// The step that takes.
    pub to: String,
    /// How the events are distributed.
    pub kind: LinkKind,
    /// Whether it carries single events or batches.
    pub carries: Carried,
    /// The maximum number of events asked for along the link and not handled yet, over all copies. `None` if
    /// there are batches without a declared size.
    pub in_flight: Option<usize>,
}

/// The events that go along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LinkKind {
    /// All events.
    Straight,
    /// All events, as on the other branches of the broadcast.
    Broadcast,
    /// The events that the branch of the broadcast selects.
    Selected,
    /// For each lane, the events with its keys.
    Partition,
    /// From the sink of an [edge](crate::pipeline::Across) to its source: the events of all processes that run the part
    /// before it go to all that run the part behind it. It consists of no subscriptions, and this pipeline does not bound
    /// its events in flight.
    Across,
}

impl StepInfo {
    pub(in crate::pipeline) fn new(options: &Effective, shape: Shape, lanes: usize) -> Self {
        let window = options.tuner.map_or(options.window, |tuner| tuner.largest());
        Self {
            name: options.name.clone(),
            kind: shape.kind,
            count: options.values.count.most(),
            elastic: Some(options.values.count).filter(|count| count.is_elastic()),
            lanes,
            min_demand: window.min(),
            max_demand: window.max(),
            demand: options.values.demand,
            batch_size: shape.batch_size(),
            keyed: shape.keyed,
            placement: options.values.placement,
            edge: options.name.rsplit_once('.').filter(|_| shape.edge).map(|(edge, _)| edge.to_owned()),
        }
    }

    /// Returns the number of copies in all lanes together; of an elastic step, the largest.
    pub fn copies(&self) -> usize {
        self.count * self.lanes
    }
}

impl Topology {
    /// Creates a topology without steps.
    pub(crate) fn unwired(name: String) -> Self {
        Self { name, steps: Vec::new(), links: Vec::new(), in_flight: Some(0), options: Vec::new() }
    }

    /// Returns the options of all steps with their values at the start, each with its source; none for stages that
    /// were spawned by hand.
    ///
    /// ```
    /// use stage_core::pipeline::OptionSource;
    /// use stage_core::{Pipeline, StepOptions};
    ///
    /// let pipeline = Pipeline::builder("p")
    ///     .start_fn("numbers", || Ok(0..9))
    ///     .finish_fn(StepOptions::named("sink").max_demand(5), |_| ());
    /// let of = |step, name| {
    ///     pipeline.topology().options().iter().find(move |option| option.step == step && option.name == name)
    /// };
    /// assert!(of("sink", "max_demand").is_some_and(|option| option.source == OptionSource::Code));
    /// assert!(of("sink", "count").is_some_and(|option| option.source == OptionSource::Default));
    /// ```
    pub fn options(&self) -> &[OptionValue] {
        &self.options
    }

    /// Returns the step with this name.
    pub fn step(&self, name: &str) -> Option<&StepInfo> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Returns the number of stages: the copies of all steps.
    #[inline]
    pub fn stages(&self) -> usize {
        self.steps.iter().map(StepInfo::copies).sum()
    }

    /// Returns the number of subscriptions between the stages: every copy of a step subscribes to every copy
    /// of the step before it in the same lane.
    #[inline]
    pub fn subscriptions(&self) -> usize {
        self.links.iter().filter_map(|link| self.subscriptions_of(link)).sum()
    }

    /// Returns the number of subscriptions that a link consists of.
    pub(in crate::pipeline) fn subscriptions_of(&self, link: &Link) -> Option<usize> {
        if link.kind == LinkKind::Across {
            return Some(0);
        }
        let (from, to) = (self.step(&link.from)?, self.step(&link.to)?);
        Some(from.copies().saturating_mul(to.copies()) / from.lanes.min(to.lanes))
    }
}
