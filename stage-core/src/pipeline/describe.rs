//! What a pipeline looks like, as data.

use super::carried::Carried;
use super::draft::Shape;
use super::options::Effective;
use crate::base::options::Placement;

/// The steps of a pipeline with their effective options, and how they are linked.
///
/// [`to_mermaid`](Self::to_mermaid) and [`to_dot`](Self::to_dot) draw it; its `Display` is a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Topology {
    /// The name of the pipeline.
    pub name: String,
    /// Its steps, in the order of their declaration.
    pub steps: Vec<StepInfo>,
    /// Which step takes what which step emits.
    pub links: Vec<Link>,
    /// The most events that are in flight in all: asked for along the [links](Link::in_flight), and in the steps for
    /// the one batch that each of them may handle ahead of demand. It counts steps that make at most one event of each;
    /// what another makes waits in its buffer, and what a dispatcher takes in ahead of demand comes on top. `None`
    /// where batches have no declared size.
    pub in_flight: Option<usize>,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepInfo {
    /// The name of the step.
    pub name: String,
    /// What kind of stage it is.
    pub kind: StepKind,
    /// How many copies run side by side in each lane.
    pub count: usize,
    /// How many lanes of a partition it runs in: 1 outside of partitions.
    pub lanes: usize,
    /// When each copy asks again, in what its [links](Link::carries) carry. Of no use to a source.
    pub min_demand: usize,
    /// The most events, or batches, each copy has outstanding at each producer. Of no use to a source.
    pub max_demand: usize,
    /// The most events in each batch that it makes; `None` if it makes none, or of no declared size.
    pub batch_size: Option<usize>,
    /// Whether its copies are fed by key.
    pub keyed: bool,
    /// Where its callbacks run.
    pub placement: Placement,
}

/// What kind of stage a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum StepKind {
    /// It makes events.
    Producer,
    /// It turns events into others.
    ProducerConsumer,
    /// It uses events up.
    Consumer,
    /// It makes events and uses them up: a whole pipeline in one stage.
    Whole,
}

/// That one step takes what another emits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Link {
    /// The step that emits.
    pub from: String,
    /// The step that takes.
    pub to: String,
    /// How events come from one to the other.
    pub kind: LinkKind,
    /// Single events, or batches.
    pub carries: Carried,
    /// The most events that are asked for along it, and not handled yet, all copies together. `None` where batches have
    /// no declared size.
    pub in_flight: Option<usize>,
}

/// Which events go along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LinkKind {
    /// All.
    Straight,
    /// All, as along the other branches of the broadcast.
    Broadcast,
    /// Those that the branch of the broadcast selects.
    Selected,
    /// To each lane those of its keys.
    Partition,
}

impl StepInfo {
    pub(super) fn new(options: &Effective, shape: Shape, lanes: usize) -> Self {
        Self {
            name: options.name.clone(),
            kind: shape.kind,
            count: options.count,
            lanes,
            min_demand: options.window.min(),
            max_demand: options.window.max(),
            batch_size: shape.batch_size(),
            keyed: shape.keyed,
            placement: options.placement,
        }
    }

    /// How many copies run in all lanes together.
    pub fn copies(&self) -> usize {
        self.count * self.lanes
    }
}

impl Topology {
    /// No steps.
    pub(crate) fn unwired(name: String) -> Self {
        Self { name, steps: Vec::new(), links: Vec::new(), in_flight: Some(0) }
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&StepInfo> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// How many stages run: the copies of all steps.
    pub fn stages(&self) -> usize {
        self.steps.iter().map(StepInfo::copies).sum()
    }

    /// How many subscriptions connect them: every copy of a step subscribes to every copy before it, as far
    /// as they are in the same lane.
    pub fn subscriptions(&self) -> usize {
        self.links.iter().filter_map(|link| self.subscriptions_of(link)).sum()
    }

    /// How many subscriptions a link stands for.
    pub(super) fn subscriptions_of(&self, link: &Link) -> Option<usize> {
        let (from, to) = (self.step(&link.from)?, self.step(&link.to)?);
        Some(from.copies().saturating_mul(to.copies()) / from.lanes.min(to.lanes))
    }
}
