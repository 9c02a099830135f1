//! The event-time progress of one stage: the minimum over its inputs that are not idle.
//!
//! Announced progress never goes back: an input that was idle and then delivers events older than the
//! progress of the others does not hold the stage back, and its events are late if their window has ended.

#[cfg(feature = "persist")]
use crate::persist::KeptWay;
use crate::plan::Feeds;
use crate::time::{Progress, Reached, Stamp};

/// The progress of each input of a stage.
#[derive(Debug)]
pub(crate) struct Marks {
    ways: Vec<Way>,
    /// The watermark; it never decreases. `i64::MIN` if there is none.
    highest: i64,
    /// Events that came too late for every window.
    late: u64,
}

/// The progress of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    /// `i64::MIN` until the input has delivered something.
    reached: i64,
    state: State,
}

impl Way {
    const NEW: Self = Self { reached: i64::MIN, state: State::Active };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    /// The sources of this input have no events: the stage does not wait for it.
    Idle,
    Ended,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { ways: vec![Way::NEW], highest: i64::MIN, late: 0 }
    }

    pub(crate) fn fed_by(&mut self, feeds: Feeds) {
        let ways = match feeds {
            Feeds::OwnPart => 1,
            Feeds::Stages(stages) => stages,
            Feeds::Sides(left, right) => left + right,
            Feeds::Table { events, .. } => events + 1,
        };
        self.ways = vec![Way::NEW; ways.max(1)];
    }

    /// Returns whether the stage has one input only.
    pub(crate) fn has_one_input(&self) -> bool {
        self.ways.len() == 1
    }

    /// Records an event from `edge` with its sender's progress; returns whether the watermark may have moved.
    #[inline]
    pub(crate) fn note(&mut self, edge: usize, reached: i64) -> bool {
        match self.ways.get_mut(edge) {
            // Most events say nothing new,
            Some(way) if way.state == State::Active && reached <= way.reached => false,
            // or come from an input that is ahead of another one, whose progress counts.
            Some(way) if way.state == State::Active && way.reached > self.highest => {
                way.reached = reached;
                false
            }
            _ => self.told(edge, Progress { reached, idle: false }),
        }
    }

    /// Records the progress of the sender of `edge`; returns whether the watermark may have moved. An input that has ended
    /// has none.
    pub(crate) fn told(&mut self, edge: usize, progress: Progress) -> bool {
        let Some(way) = self.ways.get_mut(edge).filter(|way| way.state != State::Ended) else { return false };
        let state = if progress.idle { State::Idle } else { State::Active };
        let now = Way { reached: way.reached.max(progress.reached), state };
        let moved = *way != now;
        if moved {
            *way = now;
            self.settle();
        }
        moved
    }

    /// Returns the number of events that came too late for every window.
    #[cfg(feature = "persist")]
    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    #[cfg(feature = "persist")]
    pub(crate) fn has_ended(&self, edge: usize) -> bool {
        self.ways.get(edge).is_some_and(|way| way.state == State::Ended)
    }

    /// Returns the progress of each input, and the watermark.
    #[cfg(feature = "persist")]
    pub(crate) fn save(&self) -> (Vec<KeptWay>, Option<i64>) {
        let known = |time: i64| Some(time).filter(|time| *time > i64::MIN);
        let kept = |way: &Way| {
            let (idle, ended) = (way.state == State::Idle, way.state == State::Ended);
            KeptWay { reached: known(way.reached), idle, ended }
        };
        (self.ways.iter().map(kept).collect(), known(self.highest))
    }

    #[cfg(feature = "persist")]
    pub(crate) fn restore(&mut self, ways: &[KeptWay], highest: Option<i64>, late: u64) {
        let way = |kept: &KeptWay| {
            let state = match (kept.ended, kept.idle) {
                (true, _) => State::Ended,
                (false, true) => State::Idle,
                (false, false) => State::Active,
            };
            Way { reached: kept.reached.unwrap_or(i64::MIN), state }
        };
        (self.ways, self.late) = (ways.iter().map(way).collect(), late);
        self.highest = highest.unwrap_or(i64::MIN);
    }

    /// Records that `edge` has ended.
    pub(crate) fn ended(&mut self, edge: usize) {
        if let Some(way) = self.ways.get_mut(edge) {
            way.state = State::Ended;
            self.settle();
        }
    }

    /// Counts an event that came too late for every window.
    pub(crate) fn came_late(&mut self) {
        self.late += 1;
    }

    /// Returns the watermark and the number of late events, for observers.
    pub(crate) fn seen(&self) -> Option<Reached> {
        self.watermark().map(|watermark| Reached { watermark, late: self.late })
    }

    /// Returns the watermark: no later event belongs to a window that ended by then, except for late events.
    /// `None` until every input has delivered something.
    #[inline]
    pub(crate) fn watermark(&self) -> Option<i64> {
        (self.highest > i64::MIN).then_some(self.highest)
    }

    /// Returns the progress to announce downstream; `None` once all inputs have ended.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let any = |state| self.ways.iter().any(|way| way.state == state);
        let idle = !any(State::Active);
        (!idle || any(State::Idle)).then_some(Progress { reached: self.reached(), idle })
    }

    /// Returns the watermark; `i64::MIN` if there is none.
    #[inline]
    pub(crate) fn reached(&self) -> i64 {
        self.highest
    }

    /// Returns the watermark that decides whether an event is late: that of its own source, or that of the other
    /// sources if its own was idle.
    #[inline]
    pub(crate) fn late_before(&self, stamp: Stamp) -> i64 {
        stamp.watermark.max(self.reached())
    }

    fn settle(&mut self) {
        let reached = |state| self.ways.iter().filter(move |way| way.state == state).map(|way| way.reached);
        // If no input is active, the furthest idle one counts, as if all others were late. The progress of an
        // ended input does not apply to idle inputs, which will continue from their own time.
        let now = reached(State::Active)
            .min()
            .or_else(|| reached(State::Idle).max())
            .or_else(|| reached(State::Ended).max());
        self.highest = self.highest.max(now.unwrap_or(i64::MIN));
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
    fn the_watermark_of_a_stage_is_that_of_its_slowest_input() {
        let mut marks = two_ways();
        assert!(marks.note(0, 10));
        assert_eq!((marks.watermark(), marks.reached()), (None, i64::MIN));
        assert!(marks.note(1, 5) && !marks.note(1, 4));
        assert_eq!(marks.watermark(), Some(5));
        marks.ended(1);
        assert_eq!(marks.watermark(), Some(10));
    }

    #[test]
    fn an_idle_input_is_not_awaited_until_it_has_events() {
        let mut marks = two_ways();
        marks.note(0, 10);
        marks.told(1, idle(i64::MIN));
        assert_eq!(marks.watermark(), Some(10));
        // The input is active again and behind: the watermark stays, and the stage waits for the input.
        marks.note(1, 3);
        marks.note(0, 20);
        assert_eq!(marks.watermark(), Some(10));
        marks.note(1, 15);
        assert_eq!(marks.watermark(), Some(15));
    }

    #[test]
    fn an_ended_input_does_not_advance_an_idle_one() {
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
    fn an_input_that_has_ended_does_not_begin_again() {
        let mut marks = two_ways();
        marks.ended(0);
        assert!(!marks.note(0, 10) && !marks.told(0, idle(20)));
        marks.note(1, 3);
        assert_eq!(marks.watermark(), Some(3));
        marks.ended(1);
        assert_eq!((marks.progress(), marks.watermark()), (None, Some(3)));
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
