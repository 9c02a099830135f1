//! How far event time has come in one stage: the least of what every way into it has reached.

use crate::plan::Feeds;

/// What the ways into a stage have reached.
#[derive(Debug)]
pub(crate) struct Marks {
    /// By edge; nothing as long as it has brought no event.
    reached: Vec<Option<i64>>,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { reached: vec![None] }
    }

    pub(crate) fn fed_by(&mut self, feeds: Feeds) {
        let edges = match feeds {
            Feeds::OwnPart => 1,
            Feeds::Stages(stages) => stages,
        };
        self.reached = vec![None; edges.max(1)];
    }

    /// An event came by `edge`, whose sender had been brought so far; says whether that moved anything.
    pub(crate) fn note(&mut self, edge: usize, reached: i64) -> bool {
        let Some(mark) = self.reached.get_mut(edge) else { return false };
        let moved = mark.is_none_or(|mark| mark < reached);
        if moved {
            *mark = Some(reached);
        }
        moved
    }

    /// Nothing comes by `edge` any more.
    pub(crate) fn ended(&mut self, edge: usize) {
        self.note(edge, i64::MAX);
    }

    /// No event that is yet to come is of a window that ended by then, but for late ones. Nothing as long
    /// as some way has not brought anything.
    pub(crate) fn watermark(&self) -> Option<i64> {
        self.reached.iter().copied().min().flatten()
    }

    /// The same as a number.
    pub(crate) fn reached(&self) -> i64 {
        self.watermark().unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_come_as_far_as_the_last_of_its_ways() {
        let mut marks = Marks::new();
        marks.fed_by(Feeds::Stages(2));
        assert!(marks.note(0, 10));
        assert_eq!((marks.watermark(), marks.reached()), (None, i64::MIN));
        assert!(marks.note(1, 5) && !marks.note(1, 4));
        assert_eq!(marks.watermark(), Some(5));
        marks.ended(1);
        assert_eq!(marks.watermark(), Some(10));
    }
}
