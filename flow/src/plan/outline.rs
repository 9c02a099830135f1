//! The outline of a plan: its layers, their numbers of stages, and the edges between them.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use super::Node;
use crate::options::LayerOptions;

/// The layers of a flow, sources first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    layers: Vec<OutlineLayer>,
    /// The parts that feed several layers, by their identity; only while the plan is read.
    common: HashMap<usize, Common>,
    /// Whether the plan has stages that run outside of it.
    has_external: bool,
}

/// A part that feeds several layers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Common {
    layers: Vec<usize>,
    /// The number of layers that it feeds.
    uses: usize,
}

/// One layer of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutlineLayer {
    /// The name of the layer, which is that of its operators unless [`named`](crate::Flow::named) sets it.
    pub name: String,
    /// What each stage of the layer does with an event, in order.
    pub operators: Vec<String>,
    /// The number of stages of the layer.
    pub stages: usize,
    /// The numbers of the layers that feed it.
    pub from: Vec<usize>,
    /// Whether each event goes to the stage of its partition. Otherwise it goes to a stage that asks, or straight to the
    /// stage with the same number.
    pub is_partitioned: bool,
    /// The windows and triggers of the layer in words, such as `windows of 60s, open for 5s more`.
    pub windows: Option<String>,
    /// How its stages ask for events, such as `demand auto`; `None` if nothing feeds them.
    pub demand: Option<String>,
}

impl OutlineLayer {
    /// Returns a layer with these options that is fed by the layers with these numbers.
    pub(crate) fn fed(options: &LayerOptions, from: Vec<usize>) -> Self {
        let demand = (!from.is_empty()).then(|| options.demand_words());
        Self { stages: options.count(), from, demand, ..Self::default() }
    }

    /// Returns the name, and the operators where they differ from it.
    fn title(&self) -> String {
        let operators = self.operators.join("·");
        if operators == self.name || operators.is_empty() {
            return self.name.clone();
        }
        format!("{} ({operators})", self.name)
    }
}

impl Outline {
    /// Reads a plan.
    pub(crate) fn of<E: Send + 'static>(node: &dyn Node<E>) -> Self {
        let mut outline = Self::default();
        node.outline(&mut outline);
        outline
    }

    /// Returns the outline for users, without the identities of parts.
    pub(crate) fn finished(mut self) -> Self {
        self.common.clear();
        self
    }

    /// Counts a use of a part that feeds several layers; returns its layers if it was read before.
    pub(crate) fn use_common(&mut self, id: usize) -> Option<Vec<usize>> {
        let common = self.common.get_mut(&id)?;
        common.uses += 1;
        Some(common.layers.clone())
    }

    /// Adds a part that feeds several layers, at its first use.
    pub(crate) fn add_common(&mut self, id: usize, layers: Vec<usize>) {
        self.common.insert(id, Common { layers, uses: 1 });
    }

    /// Returns the number of layers that each part feeds, of those that may feed several.
    pub(crate) fn uses(&self) -> HashMap<usize, usize> {
        self.common.iter().map(|(id, common)| (*id, common.uses)).collect()
    }

    /// Records that stages of the plan run outside of it.
    pub(crate) fn add_external(&mut self) {
        self.has_external = true;
    }

    /// Returns whether a stage of the plan may feed others than the next layer.
    pub(crate) fn has_common_parts(&self) -> bool {
        self.has_external || !self.common.is_empty()
    }

    /// Adds a layer; returns its number.
    pub(crate) fn add(&mut self, layer: OutlineLayer) -> usize {
        self.layers.push(layer);
        self.layers.len() - 1
    }

    /// Adds stages that are no operators, and whose subscriptions are their own; returns the number of their layer.
    pub(crate) fn add_stages(&mut self, name: String, stages: usize, from: Vec<usize>) -> usize {
        let operators = vec![name.clone()];
        self.add(OutlineLayer { name, operators, stages, from, ..OutlineLayer::default() })
    }

    /// Returns the layers, each after those that feed it.
    pub fn layers(&self) -> &[OutlineLayer] {
        &self.layers
    }

    /// Returns the plan as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (number, layer) in self.layers.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(text, "    l{number}[\"{} × {}", layer.title(), layer.stages);
            if let Some(windows) = &layer.windows {
                let _ = write!(text, "<br>{windows}");
            }
            text += "\"]\n";
            let edge = if layer.is_partitioned { "-- by partition -->" } else { "-->" };
            for from in &layer.from {
                let _ = writeln!(text, "    l{from} {edge} l{number}");
            }
        }
        text
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, layer) in self.layers.iter().enumerate() {
            write!(f, "{number}: {} × {}", layer.title(), layer.stages)?;
            if !layer.from.is_empty() {
                let from: Vec<_> = layer.from.iter().map(ToString::to_string).collect();
                let how = if layer.is_partitioned { " by partition" } else { "" };
                write!(f, " ← {}{how}", from.join(", "))?;
            }
            for property in [&layer.windows, &layer.demand].into_iter().flatten() {
                write!(f, "; {property}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
