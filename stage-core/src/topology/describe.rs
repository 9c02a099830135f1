//! What a pipeline looks like, as data.

use std::fmt;

use crate::options::Placement;

/// The steps of a pipeline with their effective options.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Topology {
    /// The name of the pipeline.
    pub name: String,
    /// Its steps, from the source to the sink.
    pub steps: Vec<StepInfo>,
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
    /// How many copies run side by side.
    pub count: usize,
    /// When each copy asks again. Of no use to a source.
    pub min_demand: usize,
    /// The most events each copy has outstanding at each producer. Of no use to a source.
    pub max_demand: usize,
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
}

impl Topology {
    /// How many stages run: the copies of all steps.
    pub fn stages(&self) -> usize {
        self.steps.iter().map(|step| step.count).sum()
    }

    /// How many subscriptions connect them: every copy of a step subscribes to every copy before it.
    pub fn subscriptions(&self) -> usize {
        self.steps.windows(2).map(|pair| pair[0].count * pair[1].count).sum()
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} stages, {} subscriptions", self.name, self.stages(), self.subscriptions())?;
        for step in &self.steps {
            let kind = match step.kind {
                StepKind::Producer => "start ",
                StepKind::ProducerConsumer => "step  ",
                StepKind::Consumer => "finish",
            };
            write!(f, "  {kind} {} x{}", step.name, step.count)?;
            if step.kind != StepKind::Producer {
                write!(f, ", demand {}..{}", step.min_demand, step.max_demand)?;
            }
            if step.keyed {
                f.write_str(", by key")?;
            }
            match step.placement {
                Placement::Runtime => {}
                Placement::Blocking => f.write_str(", on a blocking thread")?,
                #[cfg(feature = "rayon")]
                Placement::Rayon => f.write_str(", on rayon")?,
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
