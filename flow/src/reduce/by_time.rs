//! Windows of event time in a stage: assigns events to windows, and closes windows as the watermark passes
//! them.

use super::gaps::Gaps;
use super::open::{Open, Opened};
use super::operator::ReduceOperator;
use super::{Accumulate, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf, TimeOf};
use crate::time::{Stamp, Time};
use crate::window::{Interval, Kind, Late, Spans, TriggerName, WindowId};

/// The number of empty windows emitted at a time.
const AT_ONCE: usize = 1000;

impl<C, R, M> ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    /// Adds an event to the `last` window, and the events after it up to one that is not in the window or may
    /// close one: this event is returned. Sets `moved` if the watermark may have moved.
    pub(super) fn run<K: FnMut(M::Out)>(
        &mut self,
        last: Interval,
        edge: usize,
        first: (StampOf<C>, InOf<C>),
        events: &mut impl Iterator<Item = (StampOf<C>, InOf<C>)>,
        moved: &mut bool,
        sink: &mut K,
    ) -> Option<(StampOf<C>, InOf<C>)> {
        let (window, place) = (self.timed_id(last.number), self.place);
        let Self { layer, timed, marks, quiet, .. } = self;
        let Some(open) = timed.get_mut(last.number) else {
            self.put(last.number, first.0, first.1, sink);
            return None;
        };
        let mut left = None;
        let more = std::iter::from_fn(|| {
            let (stamp, event) = events.next()?;
            let fits = TimeOf::<C>::moment(stamp).is_some_and(|at| {
                *moved |= marks.note(edge, at.reached);
                let reached = marks.reached();
                (!*moved || reached < *quiet) && last.accepts(at.at, marks.late_before(at))
            });
            if fits {
                return Some((stamp, event));
            }
            left = Some((stamp, event));
            None
        });
        Opened { layer, window, place, open }.take_all(std::iter::once(first).chain(more), sink);
        left
    }

    /// Handles one event of a flow with windows of event time.
    pub(super) fn timed_event<K: FnMut(M::Out)>(
        &mut self,
        stamp: StampOf<C>,
        at: Stamp,
        event: InOf<C>,
        sink: &mut K,
    ) {
        let ended = self.marks.late_before(at);
        if let Some(last) = self.last
            && last.accepts(at.at, ended)
        {
            self.put(last.number, stamp, event, sink);
            return;
        }
        let window = &self.layer.window;
        let Some(spans) = window.spans() else { return };
        let windows = spans.containing(at.at);
        if windows.is_empty() {
            window.outside.add(1);
            return;
        }
        let (first, last) = (window.first_open(spans, ended).max(*windows.start()), *windows.end());
        if last < first {
            self.marks.came_late();
            window.late.add(1);
            if let Some(late) = &self.layer.late {
                late(Late { event, at: at.at, watermark: ended });
            }
            return;
        }
        if let Kind::Fixed(spans) = window.kind {
            self.last = Some(spans.interval(first, window.lateness));
        }
        if let Some(copy) = self.layer.copy {
            for number in (first..=last).rev().take_while(|number| *number > first) {
                self.put(number, stamp, copy(&event), sink);
            }
        }
        self.put(first, stamp, event, sink);
    }

    /// Adds an event to the window with this number.
    fn put<K: FnMut(M::Out)>(&mut self, number: i64, stamp: StampOf<C>, event: InOf<C>, sink: &mut K) {
        let (window, layer, gaps) = (self.timed_id(number), &self.layer, &self.gaps);
        let quiet = &mut self.quiet;
        let open = self.timed.of(number, || {
            *quiet = layer.window.spans().map_or(i64::MIN, |spans| spans.end(number)).min(*quiet);
            let mut open = Open::new(layer);
            open.passed = gaps.as_ref().is_some_and(|gaps| gaps.was_passed(number));
            open
        });
        if layer.custom_trigger.is_some() {
            open.wait(stamp, event);
        } else {
            Opened { layer, window, place: self.place, open }.take_in(stamp, event, sink);
        }
    }

    /// Calls `each` with each open window, the earliest first.
    pub(super) fn each_timed(&mut self, mut each: impl FnMut(Opened<'_, C, R, M>)) {
        let (layer, place) = (&self.layer, self.place);
        let kind = layer.window.kind;
        self.timed.for_each(|number, open| {
            each(Opened { layer, window: timed_id(kind, number), place, open });
        });
    }

    /// Emits the windows that the watermark has passed; all windows, once the input has ended. Stops after
    /// [`AT_ONCE`] empty windows and sets `has_more`.
    pub(super) fn pass<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        // A constant, so that an untimed flow does not compile the rest.
        if TimeOf::<C>::IS_TIMED {
            self.pass_timed(sink);
        }
    }

    fn pass_timed<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let Some(spans) = self.layer.window.spans() else { return };
        if self.marks.reached() < self.quiet && !self.finishing {
            return;
        }
        if self.layer.window.emit_empty && self.gaps.is_none() {
            // Until the first window is due, an event may still open an earlier one.
            let end = self.marks.watermark().map(|watermark| spans.first_open(watermark.into()));
            let due = |first: &i64| self.finishing || end.is_some_and(|end| *first < end);
            self.gaps = self.timed.first().filter(due).map(Gaps::from);
        }
        let mut left = AT_ONCE;
        if self.finishing {
            let last = self.timed.last();
            let gaps_end = last.map_or(i64::MIN, |last| last.min(spans.begun_by(self.marks.reached())));
            self.close(i64::MAX, gaps_end, &mut left, sink);
        } else if let Some(watermark) = self.marks.watermark() {
            let first_open = self.layer.window.first_open(spans, watermark);
            self.close(first_open, first_open, &mut left, sink);
            if self.layer.window.lateness > 0 && left > 0 {
                self.mark_passed(spans.first_open(watermark.into()), &mut left, sink);
            }
        }
        self.has_more = left == 0;
        self.quiet = match self.timed.first() {
            _ if self.layer.window.emit_empty || self.layer.window.lateness > 0 => i64::MIN,
            Some(first) => spans.end(first),
            None => i64::MAX,
        };
    }

    /// Emits for the last time the windows with events before `end` and the empty ones before `gaps_end`, in
    /// order; at most `left` empty ones.
    fn close<K: FnMut(M::Out)>(&mut self, end: i64, gaps_end: i64, left: &mut usize, sink: &mut K) {
        loop {
            let open = self.timed.first().filter(|open| *open < end || self.finishing);
            let gap = self.gaps.as_ref().and_then(|gaps| gaps.next_done(gaps_end));
            match (gap, open) {
                (Some(gap), open) if open.is_none_or(|open| gap < open) => {
                    self.hand_out_empty(gap, TriggerName::Done, sink);
                    self.gaps.iter_mut().for_each(|gaps| gaps.done(gap));
                    *left -= 1;
                    if *left == 0 {
                        return;
                    }
                }
                (_, Some(open)) => {
                    self.close_first(sink);
                    self.gaps.iter_mut().for_each(|gaps| gaps.done(open));
                }
                (_, None) => return,
            }
        }
    }

    /// Emits the windows before `end` for the first time; they stay open for late events.
    fn mark_passed<K: FnMut(M::Out)>(&mut self, end: i64, left: &mut usize, sink: &mut K) {
        let before = self.timed.iter().take_while(|(number, _)| *number < end);
        let not_passed = before.filter(|(_, open)| !open.passed).map(|(number, _)| number);
        let mut not_passed = not_passed.collect::<Vec<_>>().into_iter().peekable();
        loop {
            let gap = self.gaps.as_ref().and_then(|gaps| gaps.next_passed(end));
            match (gap, not_passed.peek().copied()) {
                (Some(gap), open) if open.is_none_or(|open| gap < open) => {
                    self.gaps.iter_mut().for_each(|gaps| gaps.passed(gap));
                    // A window with late events already had this trigger while it was empty.
                    if !self.timed.contains(gap) {
                        self.hand_out_empty(gap, TriggerName::Watermark, sink);
                        *left -= 1;
                        if *left == 0 {
                            return;
                        }
                    }
                }
                (_, Some(number)) => {
                    not_passed.next();
                    self.gaps.iter_mut().for_each(|gaps| gaps.passed(number));
                    self.pass_one(number, sink);
                }
                (_, None) => return,
            }
        }
    }

    /// Emits a window for the first time.
    fn pass_one<K: FnMut(M::Out)>(&mut self, number: i64, sink: &mut K) {
        let (layer, place, window) = (&self.layer, self.place, self.timed_id(number));
        if let Some(open) = self.timed.get_mut(number) {
            open.passed = true;
            Opened { layer, window, place, open }.fire(TriggerName::Watermark, sink);
        }
    }

    /// Emits an empty window.
    fn hand_out_empty<K: FnMut(M::Out)>(&mut self, number: i64, name: TriggerName, sink: &mut K) {
        let (layer, window, place) = (&self.layer, self.timed_id(number), self.place);
        Opened { layer, window, place, open: &mut Open::new(layer) }.fire(name, sink);
    }

    /// Emits the earliest window for the last time.
    fn close_first<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let Some((number, mut open)) = self.timed.pop_first() else { return };
        let (layer, window, place) = (&self.layer, self.timed_id(number), self.place);
        Opened { layer, window, place, open: &mut open }.fire(TriggerName::Done, sink);
    }

    /// Returns the id of the event-time window with this number.
    fn timed_id(&self, number: i64) -> WindowId {
        timed_id(self.layer.window.kind, number)
    }
}

fn timed_id(kind: Kind, number: i64) -> WindowId {
    let start = |spans: Spans| spans.start(number);
    match kind {
        Kind::Fixed(spans) => WindowId::Fixed(start(spans)),
        Kind::Sliding(spans) => WindowId::Sliding(start(spans)),
        Kind::Global | Kind::Count(_) | Kind::Periodic(_) => WindowId::Global,
    }
}
