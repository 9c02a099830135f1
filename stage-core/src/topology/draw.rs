//! A topology as text: a list, a Mermaid flowchart, a DOT graph.

use std::fmt::{self, Write};

use super::describe::{Link, LinkKind, StepInfo, StepKind, Topology};
use crate::options::Placement;

impl Topology {
    /// The pipeline as a [Mermaid](https://mermaid.js.org) flowchart.
    ///
    /// ```
    /// use stage_core::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("words")
    ///     .start_fn("lines", || Ok(["a b", "c"]))
    ///     .finish_fn("print", |line| println!("{line}"));
    /// assert_eq!(
    ///     pipeline.topology().to_mermaid(),
    ///     r#"flowchart LR
    ///     s0(["lines x1"])
    ///     s1[["print x1"]]
    ///     s0 -->|"1..10"| s1
    /// "#
    /// );
    /// ```
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (number, step) in self.steps.iter().enumerate() {
            let (open, close) = match step.kind {
                StepKind::Producer => ("([", "])"),
                StepKind::ProducerConsumer => ("[", "]"),
                StepKind::Consumer => ("[[", "]]"),
                StepKind::Whole => ("([[", "]])"),
            };
            // Mermaid's way to write a quote.
            let title = title(step).replace('"', "#quot;");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    s{number}{open}\"{title}\"{close}");
        }
        for (from, to, link) in self.numbered() {
            let arrow = if link.kind == LinkKind::Selected { "-.->" } else { "-->" };
            let _ = writeln!(text, "    s{from} {arrow}|\"{}\"| s{to}", self.label(link));
        }
        text
    }

    /// The pipeline as a graph in the DOT language of [Graphviz](https://graphviz.org).
    ///
    /// ```
    /// use stage_core::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("words")
    ///     .start_fn("lines", || Ok(["a b", "c"]))
    ///     .finish_fn("print", |line| println!("{line}"));
    /// assert!(pipeline.topology().to_dot().contains(r#"s0 -> s1 [label="1..10"]"#));
    /// ```
    pub fn to_dot(&self) -> String {
        let mut text = format!(
            "digraph \"{}\" {{\n    rankdir=LR;\n    node [fontname=\"sans-serif\"];\n    edge [fontname=\"sans-serif\"];\n",
            escaped(&self.name)
        );
        for (number, step) in self.steps.iter().enumerate() {
            let shape = match step.kind {
                StepKind::Producer => "ellipse",
                StepKind::ProducerConsumer => "box",
                StepKind::Consumer => "box, peripheries=2",
                StepKind::Whole => "ellipse, peripheries=2",
            };
            let title = escaped(&title(step));
            let _ = writeln!(text, "    s{number} [label=\"{title}\", shape={shape}];");
        }
        for (from, to, link) in self.numbered() {
            let style = if link.kind == LinkKind::Selected { ", style=dashed" } else { "" };
            let _ = writeln!(text, "    s{from} -> s{to} [label=\"{}\"{style}];", self.label(link));
        }
        text.push_str("}\n");
        text
    }

    /// The links with the numbers of their steps.
    fn numbered(&self) -> impl Iterator<Item = (usize, usize, &Link)> {
        let number = |name: &str| self.steps.iter().position(|step| step.name == name);
        self.links.iter().filter_map(move |link| Some((number(&link.from)?, number(&link.to)?, link)))
    }

    /// What stands at the arrow: which events, and how many are asked for.
    fn label(&self, link: &Link) -> String {
        let Some(to) = self.step(&link.to) else { return String::new() };
        let kind = match link.kind {
            LinkKind::Straight => "",
            LinkKind::Broadcast => "all, ",
            LinkKind::Selected => "when, ",
            LinkKind::Partition => "partition, ",
        };
        let key = if to.keyed { "by key, " } else { "" };
        format!("{kind}{key}{}..{}", to.min_demand, to.max_demand)
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} stages, {} subscriptions", self.name, self.stages(), self.subscriptions())?;
        for (number, step) in self.steps.iter().enumerate() {
            let kind = match step.kind {
                StepKind::Producer => "start ",
                StepKind::ProducerConsumer => "step  ",
                StepKind::Consumer => "finish",
                StepKind::Whole => "whole ",
            };
            write!(f, "  {kind} {}", title(step))?;
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
            self.write_sources(number, step, f)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Topology {
    /// Where a step's events come from, unless from the step in the line above, all of them.
    fn write_sources(&self, number: usize, step: &StepInfo, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links: Vec<_> = self.links.iter().filter(|link| link.to == step.name).collect();
        let above = number.checked_sub(1).map(|above| self.steps[above].name.as_str());
        if let [link] = links[..]
            && link.kind == LinkKind::Straight
            && Some(link.from.as_str()) == above
        {
            return Ok(());
        }
        for (number, link) in links.iter().enumerate() {
            f.write_str(if number == 0 { ", from " } else { " and " })?;
            f.write_str(&link.from)?;
            f.write_str(match link.kind {
                LinkKind::Straight => "",
                LinkKind::Broadcast => " (broadcast)",
                LinkKind::Selected => " (broadcast, when)",
                LinkKind::Partition => " (partition)",
            })?;
        }
        Ok(())
    }
}

fn title(step: &StepInfo) -> String {
    match step.lanes {
        1 => format!("{} x{}", step.name, step.count),
        lanes => format!("{} x{} in {lanes} lanes", step.name, step.count),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
