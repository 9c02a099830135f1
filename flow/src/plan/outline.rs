//! The outline of a plan: its layers, their numbers of stages, and the edges between them.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use super::Node;

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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutlineLayer {
    /// The steps of the layer, in order.
    pub name: String,
    /// The number of stages of the layer.
    pub stages: usize,
    /// The numbers of the layers that feed it.
    pub from: Vec<usize>,
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
    pub(crate) fn add(&mut self, name: String, stages: usize, from: Vec<usize>) -> usize {
        self.layers.push(OutlineLayer { name, stages, from });
        self.layers.len() - 1
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
            let _ = writeln!(text, "    l{number}[\"{} × {}\"]", layer.name, layer.stages);
            for from in &layer.from {
                let _ = writeln!(text, "    l{from} --> l{number}");
            }
        }
        text
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, layer) in self.layers.iter().enumerate() {
            write!(f, "{number}: {} × {}", layer.name, layer.stages)?;
            if !layer.from.is_empty() {
                let from: Vec<_> = layer.from.iter().map(ToString::to_string).collect();
                write!(f, " ← {}", from.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
