//! Iteration over the parts of a pipeline, including its branches.

use super::pipeline::{Branch, Node, Partition, Step};

/// Returns every step, in the order of declaration.
pub(crate) fn steps(nodes: &[Node]) -> Vec<&Step> {
    let mut found = Vec::new();
    walk(nodes, &mut |node| {
        if let Node::Step(step) = node {
            found.push(&**step);
        }
    });
    found
}

/// Returns every partition.
pub(crate) fn partitions(nodes: &[Node]) -> Vec<&Partition> {
    let mut found = Vec::new();
    walk(nodes, &mut |node| {
        if let Node::Partition(partition) = node {
            found.push(&**partition);
        }
    });
    found
}

/// Returns every branch of a broadcast.
pub(crate) fn branches(nodes: &[Node]) -> Vec<&Branch> {
    let mut found = Vec::new();
    walk(nodes, &mut |node| {
        if let Node::Broadcast(broadcast) = node {
            found.extend(&broadcast.branches);
        }
    });
    found
}

fn walk<'a>(nodes: &'a [Node], see: &mut impl FnMut(&'a Node)) {
    for node in nodes {
        see(node);
        match node {
            Node::Step(_) => {}
            Node::Broadcast(broadcast) => {
                for branch in &broadcast.branches {
                    walk(&branch.nodes, see);
                }
            }
            Node::Partition(partition) => walk(&partition.nodes, see),
        }
    }
}

/// Like [`steps`], with mutable access.
pub(super) fn steps_mut(nodes: &mut [Node]) -> Vec<&mut Step> {
    let mut found = Vec::new();
    for node in nodes {
        match node {
            Node::Step(step) => found.push(&mut **step),
            Node::Broadcast(broadcast) => {
                for branch in &mut broadcast.branches {
                    found.extend(steps_mut(&mut branch.nodes));
                }
            }
            Node::Partition(partition) => found.extend(steps_mut(&mut partition.nodes)),
        }
    }
    found
}
