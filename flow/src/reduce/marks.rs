//! How far event time has come in one stage: the least of what every way from every source has shown.

use std::collections::HashMap;

use crate::plan::Feeds;
use crate::time::Stamp;

/// The watermarks that a stage has seen.
#[derive(Debug)]
pub(crate) struct Marks {
    feeds: Feeds,
    /// By edge and part of the source.
    seen: HashMap<(usize, u32), i64>,
    /// How many parts the sources have.
    sources: usize,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { feeds: Feeds::OwnPart, seen: HashMap::new(), sources: 0 }
    }

    pub(crate) fn fed_by(&mut self, feeds: Feeds) {
        self.feeds = feeds;
    }

    /// An event with this stamp came by `edge`; says whether that moved anything.
    pub(crate) fn note(&mut self, edge: usize, stamp: Stamp) -> bool {
        self.sources = stamp.sources as usize;
        let mark = self.seen.entry((edge, stamp.source)).or_insert(i64::MIN);
        let moved = stamp.watermark > *mark;
        *mark = stamp.watermark.max(*mark);
        moved
    }

    /// No event that is yet to come is of a window that ends here or before, but for late ones. Nothing as
    /// long as some way from some source has not shown anything.
    pub(crate) fn watermark(&self) -> Option<i64> {
        let ways = match self.feeds {
            Feeds::OwnPart => 1,
            Feeds::Parts(parts) => parts,
            Feeds::Stages(stages) => stages * self.sources,
        };
        if self.seen.len() < ways { None } else { self.seen.values().min().copied() }
    }
}
