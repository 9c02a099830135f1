//! The outline of a plan: its layers, their numbers of stages, and the edges between them.

use std::fmt::{self, Write as _};

/// The layers of a flow, sources first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    layers: Vec<OutlineLayer>,
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
