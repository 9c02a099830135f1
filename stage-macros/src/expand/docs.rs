//! Docs of a declared pipeline.

use crate::ast::Header;
use crate::model::{Branch, Model, Node, Step, steps};
use crate::words::Role;

/// Returns the lines that describe the pipeline's items, after the user's own docs, if any.
pub(super) fn of_pipeline(header: &Header, model: &Model) -> Vec<String> {
    let mut lines = of_broken_pipeline(header);
    lines.push(String::new());
    lines.push(format!(" Its steps: {}.", line(&model.nodes)));
    let documented = steps(&model.nodes).into_iter().filter(|step| !step.docs.is_empty());
    for (index, step) in documented.enumerate() {
        if index == 0 {
            lines.push(String::new());
        }
        lines.push(format!(" * {}:{}", title(step), step.docs.concat()));
    }
    lines
}

/// Returns a first line if the user wrote no docs.
pub(super) fn of_broken_pipeline(header: &Header) -> Vec<String> {
    let documented = header.attrs.iter().any(|attr| attr.path().is_ident("doc"));
    if documented { Vec::new() } else { vec![format!(" The pipeline `{}`.", header.name)] }
}

/// Formats a line `a` → ( `b` | `c` → `d` ) → `e`; sources that run together are joined by a plus.
fn line(nodes: &[Node]) -> String {
    let mut line = String::new();
    let mut behind_start = false;
    for (index, node) in nodes.iter().enumerate() {
        let is_start = matches!(node, Node::Step(step) if step.role == Role::Start);
        if index > 0 {
            line.push_str(if is_start && behind_start { " + " } else { " → " });
        }
        behind_start = is_start;
        let node = match node {
            Node::Step(step) => {
                let name = name(step);
                let gates = step.gates.iter().map(|gate| format!("`{name}.{}` → ", gate.word));
                gates.chain([title(step)]).collect()
            }
            Node::Broadcast(broadcast) => {
                let branches: Vec<_> = broadcast.branches.iter().map(branch).collect();
                format!("( {} )", branches.join(" | "))
            }
            Node::Partition(partition) => format!("n × ( {} )", self::line(&partition.nodes)),
        };
        line.push_str(&node);
    }
    line
}

fn branch(branch: &Branch) -> String {
    let line = if branch.nodes.is_empty() { "…".to_owned() } else { line(&branch.nodes) };
    if branch.when.is_some() { format!("some: {line}") } else { line }
}

fn title(step: &Step) -> String {
    let across = if step.across.is_some() { "across " } else { "" };
    format!("{across}`{}`", name(step))
}

fn name(step: &Step) -> String {
    step.name.known().unwrap_or_else(|| step.role.word().to_owned())
}
