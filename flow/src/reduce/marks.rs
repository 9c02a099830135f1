//! How far event time has come in one stage: the least of what the ways into it have reached that are not idle.
//!
//! What a stage has told is never taken back: a way that was idle and then brings events that are older than
//! what the others have reached holds nobody back, and its events are late if their window is over.

use crate::plan::Feeds;
use crate::time::Progress;

/// What the ways into a stage have reached.
#[derive(Debug)]
pub(crate) struct Marks {
    ways: Vec<Way>,
    /// The watermark; it never falls.
    highest: Option<i64>,
}

/// What one way has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    /// Nothing as long as it has brought nothing.
    reached: Option<i64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    /// Its sources have nothing: it is not waited for.
    Idle,
    Ended,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { ways: vec![Way { reached: None, state: State::Active }], highest: None }
    }

    pub(crate) fn fed_by(&mut self, feeds: Feeds) {
        let ways = match feeds {
            Feeds::OwnPart => 1,
            Feeds::Stages(stages) => stages,
        };
        self.ways = vec![Way { reached: None, state: State::Active }; ways.max(1)];
    }

    /// An event came by `edge`, whose sender had been brought so far; says whether the watermark may have
    /// moved.
    #[inline]
    pub(crate) fn note(&mut self, edge: usize, reached: i64) -> bool {
        self.told(edge, Progress { reached, idle: false })
    }

    /// The sender behind `edge` says how far it is; says whether the watermark may have moved.
    pub(crate) fn told(&mut self, edge: usize, progress: Progress) -> bool {
        let Some(way) = self.ways.get_mut(edge) else { return false };
        let state = if progress.idle { State::Idle } else { State::Active };
        let known = (progress.reached > i64::MIN).then_some(progress.reached);
        let now = Way { reached: way.reached.max(known), state };
        let moved = *way != now;
        if moved {
            *way = now;
            self.settle();
        }
        moved
    }

    /// Nothing comes by `edge` any more.
    pub(crate) fn ended(&mut self, edge: usize) {
        if let Some(way) = self.ways.get_mut(edge) {
            way.state = State::Ended;
            self.settle();
        }
    }

    /// No event that is yet to come is of a window that ended by then, but for late ones. Nothing as long
    /// as some way has not brought anything.
    pub(crate) fn watermark(&self) -> Option<i64> {
        self.highest
    }

    /// What is told to those behind; nothing once there is nothing more to come.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let any = |state| self.ways.iter().any(|way| way.state == state);
        let idle = !any(State::Active);
        (!idle || any(State::Idle)).then_some(Progress { reached: self.reached(), idle })
    }

    /// The watermark as a number.
    pub(crate) fn reached(&self) -> i64 {
        self.highest.unwrap_or(i64::MIN)
    }

    fn settle(&mut self) {
        let reached = |state| self.ways.iter().filter(move |way| way.state == state).map(|way| way.reached);
        // If no way is active, the furthest idle one counts: it is as if all others were late. The time of a way
        // that has ended does not apply to idle ways, which will continue from their own time.
        let now = reached(State::Active)
            .min()
            .or_else(|| reached(State::Idle).max())
            .or_else(|| reached(State::Ended).max())
            .flatten();
        self.highest = self.highest.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_ways() -> Marks {
        let mut marks = Marks::new();
        marks.fed_by(Feeds::Stages(2));
        marks
    }

    const fn idle(reached: i64) -> Progress {
        Progress { reached, idle: true }
    }

    #[test]
    fn a_stage_has_come_as_far_as_the_last_of_its_ways() {
        let mut marks = two_ways();
        assert!(marks.note(0, 10));
        assert_eq!((marks.watermark(), marks.reached()), (None, i64::MIN));
        assert!(marks.note(1, 5) && !marks.note(1, 4));
        assert_eq!(marks.watermark(), Some(5));
        marks.ended(1);
        assert_eq!(marks.watermark(), Some(10));
    }

    #[test]
    fn a_way_that_is_idle_is_not_waited_for_until_it_brings_something() {
        let mut marks = two_ways();
        marks.note(0, 10);
        marks.told(1, idle(i64::MIN));
        assert_eq!(marks.watermark(), Some(10));
        // It comes back, and is behind: nothing is taken back, and it is waited for.
        marks.note(1, 3);
        marks.note(0, 20);
        assert_eq!(marks.watermark(), Some(10));
        marks.note(1, 15);
        assert_eq!(marks.watermark(), Some(15));
    }

    #[test]
    fn a_way_that_has_ended_does_not_drag_one_along_that_is_idle() {
        let mut marks = two_ways();
        marks.note(0, 10);
        marks.note(1, 3);
        marks.ended(0);
        assert_eq!(marks.watermark(), Some(3));
        marks.told(1, idle(3));
        assert_eq!(marks.watermark(), Some(3));
        marks.ended(1);
        assert_eq!(marks.watermark(), Some(10));
    }

    #[test]
    fn a_stage_is_idle_if_all_its_ways_are() {
        let mut marks = two_ways();
        marks.told(0, idle(10));
        assert_eq!(marks.progress(), Some(Progress { reached: i64::MIN, idle: false }));
        marks.told(1, idle(20));
        assert_eq!(marks.progress(), Some(idle(20)));
        marks.ended(1);
        assert_eq!(marks.progress(), Some(idle(20)));
        marks.ended(0);
        assert_eq!(marks.progress(), None);
    }
}
