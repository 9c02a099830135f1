//! Sequence of the words in a pipeline, available even if other parts could not be read.

use proc_macro2::Span;

use crate::ast::{Broadcast, Item, Partition};
use crate::words::Role;

/// The words of a pipeline or a branch.
pub(crate) struct Outline {
    pub(crate) marks: Vec<Mark>,
}

/// The word of one item.
pub(crate) struct Mark {
    pub(crate) word: Span,
    pub(crate) kind: Kind,
}

/// The effect of an item on the events that reach it.
pub(crate) enum Kind {
    Stage(Role),
    Merge,
    /// The branches, as far as they could be read.
    Fork {
        word: &'static str,
        branches: Vec<Outline>,
        complete: bool,
    },
    Unknown,
}

impl Outline {
    pub(super) fn of(items: &[Item]) -> Self {
        let mark = |item: &Item| {
            let kind = match item {
                Item::Stage(stage) => Kind::Stage(stage.role),
                Item::Merge(_) => Kind::Merge,
                Item::Broadcast(Broadcast { branches, complete, .. }) => Kind::Fork {
                    word: "broadcast",
                    branches: branches.iter().map(|branch| Self::of(&branch.items)).collect(),
                    complete: *complete,
                },
                Item::Partition(partition) => {
                    let Partition { branch, key, .. } = &**partition;
                    Kind::Fork {
                        word: "partition",
                        branches: branch.iter().map(|branch| Self::of(&branch.items)).collect(),
                        complete: branch.is_some() && key.is_some(),
                    }
                }
                Item::Unknown(_) => Kind::Unknown,
            };
            Mark { word: item.word(), kind }
        };
        Self { marks: items.iter().map(mark).collect() }
    }
}
