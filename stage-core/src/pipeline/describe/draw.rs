//! Renders a topology as text: a list, a Mermaid flowchart, or a DOT graph.

use std::fmt::{self, Write};

use super::carried::Carried;
use super::topology::{Link, LinkKind, StepInfo, StepKind, Topology};
use crate::base::options::Placement;
use crate::credit::tuning::Tuning;

impl Topology {
    /// Returns the pipeline as a [Mermaid](https://mermaid.js.org) flowchart.
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
    ///     s0 -->|"auto, at most 1024"| s1
    /// "#
    /// );
    /// ```
    #[inline]
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (number, step) in self.steps.iter().enumerate() {
            let (open, close) = match step.kind {
                StepKind::Producer => ("([", "])"),
                StepKind::ProducerConsumer => ("[", "]"),
                StepKind::Consumer => ("[[", "]]"),
                StepKind::Whole => ("([[", "]])"),
            };
            // Mermaid's escape for a quote.
            let title = title(step).replace('"', "#quot;");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    s{number}{open}\"{title}\"{close}");
        }
        for (from, to, link) in self.numbered() {
            let arrow = match link.kind {
                LinkKind::Selected => "-.->",
                LinkKind::Across => "==>",
                LinkKind::Straight | LinkKind::Broadcast | LinkKind::Partition => "-->",
            };
            let _ = writeln!(text, "    s{from} {arrow}|\"{}\"| s{to}", self.label(link));
        }
        text
    }

    /// Returns the pipeline as a graph in the DOT language of [Graphviz](https://graphviz.org).
    ///
    /// ```
    /// use stage_core::Pipeline;
    ///
    /// let pipeline = Pipeline::builder("words")
    ///     .start_fn("lines", || Ok(["a b", "c"]))
    ///     .finish_fn("print", |line| println!("{line}"));
    /// assert!(pipeline.topology().to_dot().contains(r#"s0 -> s1 [label="auto, at most 1024"]"#));
    /// ```
    #[inline]
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
            let style = match link.kind {
                LinkKind::Selected => ", style=dashed",
                LinkKind::Across => ", style=bold",
                LinkKind::Straight | LinkKind::Broadcast | LinkKind::Partition => "",
            };
            let _ = writeln!(text, "    s{from} -> s{to} [label=\"{}\"{style}];", self.label(link));
        }
        text.push_str("}\n");
        text
    }

    /// Returns the links with the numbers of their steps.
    #[inline]
    fn numbered(&self) -> impl Iterator<Item = (usize, usize, &Link)> {
        let number = |name: &str| self.steps.iter().position(|step| step.name == name);
        self.links.iter().filter_map(move |link| Some((number(&link.from)?, number(&link.to)?, link)))
    }

    /// Returns the label of an arrow: the kind of link, the demand window, and the maximum number of events
    /// in flight.
    #[inline]
    fn label(&self, link: &Link) -> String {
        let Some(to) = self.step(&link.to) else { return String::new() };
        let kind = match link.kind {
            LinkKind::Straight => "",
            LinkKind::Broadcast => "all, ",
            LinkKind::Selected => "when, ",
            LinkKind::Partition => "partition, ",
            LinkKind::Across => return "across".to_owned(),
        };
        let key = if to.keyed { "by key, " } else { "" };
        let bound = link.in_flight.map(|events| format!(", at most {events}")).unwrap_or_default();
        format!("{kind}{key}{}{bound}", window(to, link.carries))
    }
}

impl fmt::Display for Topology {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} stages, {} subscriptions", self.name, self.stages(), self.subscriptions())?;
        match self.in_flight {
            Some(events) => writeln!(f, ", at most {events} events in flight")?,
            None => writeln!(f, ", batches of no declared size in flight")?,
        }
        for (number, step) in self.steps.iter().enumerate() {
            let kind = match step.kind {
                StepKind::Producer => "start ",
                StepKind::ProducerConsumer => "step  ",
                StepKind::Consumer if step.edge.is_some() => "across",
                StepKind::Consumer => "finish",
                StepKind::Whole => "whole ",
            };
            write!(f, "  {kind} {}", title(step))?;
            if step.kind != StepKind::Producer {
                write!(f, ", demand {}", window(step, self.taken_by(&step.name)))?;
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
    /// Writes the origins of a step's events, unless it takes all events of the step in the line above.
    #[inline]
    fn write_sources(&self, number: usize, step: &StepInfo, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links: Vec<_> = self.links.iter().filter(|link| link.to == step.name).collect();
        let above = number.checked_sub(1).map(|above| self.steps[above].name.as_str());
        let bound =
            |link: &Link| link.in_flight.map(|events| format!("at most {events} in flight")).into_iter();
        if let [link] = links[..]
            && link.kind == LinkKind::Straight
            && Some(link.from.as_str()) == above
        {
            return bound(link).try_for_each(|bound| write!(f, ", {bound}"));
        }
        for (number, link) in links.iter().enumerate() {
            f.write_str(if number == 0 { ", from " } else { " and " })?;
            f.write_str(&link.from)?;
            let kind: &[&str] = match link.kind {
                LinkKind::Straight => &[],
                LinkKind::Broadcast => &["broadcast"],
                LinkKind::Selected => &["broadcast", "when"],
                LinkKind::Partition => &["partition"],
                LinkKind::Across => &["across"],
            };
            let notes: Vec<_> = kind.iter().map(ToString::to_string).chain(bound(link)).collect();
            if !notes.is_empty() {
                write!(f, " ({})", notes.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Formats the demand window of a step, from the minimum to the maximum: `1..10`, `1..2 batches of 500`.
#[inline]
fn window(step: &StepInfo, carries: Carried) -> String {
    let (min, max) = (step.min_demand, step.max_demand);
    if step.demand != Tuning::Fixed {
        return step.demand.to_string();
    }
    match carries {
        Carried::Events => format!("{min}..{max}"),
        Carried::Batches(None) => format!("{min}..{max} batches"),
        Carried::Batches(Some(size)) => format!("{min}..{max} batches of {size}"),
    }
}

#[inline]
fn title(step: &StepInfo) -> String {
    let count = step.elastic.unwrap_or(step.count.into());
    match step.lanes {
        1 => format!("{} x{count}", step.name),
        lanes => format!("{} x{count} in {lanes} lanes", step.name),
    }
}

#[inline]
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
