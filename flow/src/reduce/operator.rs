//! The operator of a layer with a reducer: the windows of one stage, and their triggers.

use std::fmt;

use tokio::time::Instant;

use super::gaps::Gaps;
use super::layer::ReduceLayer;
use super::marks::Marks;
use super::open::{Open, Opened};
use super::periods::{Periods, earlier};
use super::{Accumulate, AlarmSet, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf, TimeOf};
use crate::plan::{Feeds, Give, Operator, Place};
use crate::time::{Progress, Reached, Time};
use crate::window::{Interval, Kind, OpenWindows, TriggerName, WindowId};

/// The windows of one stage.
pub struct ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    pub(super) layer: ReduceLayer<C, R, M>,
    pub(super) place: Place,
    /// The open window, if windows follow each other; `None` for windows of event time.
    current: Option<Open<C, R>>,
    /// The number of the open window.
    number: u64,
    /// The number of events that the open window still takes, if it is a count window.
    left: usize,
    /// The open windows of event time, by number.
    pub(super) timed: OpenWindows<Open<C, R>>,
    /// The window of the last event that was not late, if the windows are consecutive ones of event time.
    pub(super) last: Option<Interval>,
    /// Below this watermark, no window of event time is to be emitted.
    pub(super) quiet: i64,
    /// The empty windows that have been emitted, if empty windows are; starts at the first window with
    /// events.
    pub(super) gaps: Option<Gaps>,
    /// Whether there are more empty windows to emit.
    pub(super) has_more: bool,
    /// Whether the input has ended.
    pub(super) finishing: bool,
    pub(super) marks: Marks,
    /// The end of the open wall-clock window, if it is representable.
    end: Option<Instant>,
    periods: Periods,
}

impl<C, R, M> fmt::Debug for ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReduceOperator").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<C, R, M> ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    pub(super) fn new(layer: ReduceLayer<C, R, M>, place: Place) -> Self {
        let now = Instant::now();
        let periods = Periods::begin(&layer.window.periodically, now);
        let (end, left) = match layer.window.kind {
            Kind::Periodic(period) => (now.checked_add(period), 0),
            Kind::Count(events) => (None, events),
            Kind::Global | Kind::Fixed(_) | Kind::Sliding(_) => (None, 0),
        };
        let by_time = layer.window.spans().is_some();
        Self {
            current: (!by_time).then(|| Open::new(&layer)),
            layer,
            place,
            number: 0,
            left,
            timed: OpenWindows::new(),
            last: None,
            quiet: i64::MIN,
            gaps: None,
            has_more: false,
            finishing: false,
            marks: Marks::new(),
            end,
            periods,
        }
    }

    fn goes_by_event_time(&self) -> bool {
        self.layer.window.spans().is_some()
    }

    /// Returns whether one window takes all events until the clock or the end of the input ends it, as in most layers:
    /// nothing is checked for each event then.
    fn has_one_window(&self) -> bool {
        let window = &self.layer.window;
        let takes_all = matches!(window.kind, Kind::Global | Kind::Periodic(_));
        takes_all && window.every.is_none() && self.layer.custom_trigger.is_none()
    }

    /// Returns the id of the open window.
    fn id(&self) -> WindowId {
        match self.layer.window.kind {
            Kind::Count(_) => WindowId::Count(self.number),
            Kind::Periodic(_) => WindowId::Periodic(self.number),
            _ => WindowId::Global,
        }
    }

    /// Returns the open window for modification.
    fn current(&mut self) -> Option<Opened<'_, C, R, M>> {
        let (window, place) = (self.id(), self.place);
        self.current.as_mut().map(|open| Opened { layer: &self.layer, window, place, open })
    }

    /// Closes the open window, and opens the next.
    fn next_window<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        if let Some(mut current) = self.current() {
            current.fire(TriggerName::Done, sink);
        }
        self.number += 1;
        self.current = Some(Open::new(&self.layer));
    }

    /// Counts `taken` events of the open window; closes the window if it is full.
    fn count<K: FnMut(M::Out)>(&mut self, taken: usize, sink: &mut K) {
        if let Kind::Count(events) = self.layer.window.kind {
            self.left = self.left.saturating_sub(taken);
            if self.left == 0 {
                self.left = events;
                self.next_window(sink);
            }
        }
    }

    /// Shows the events of consecutive windows to the custom trigger.
    fn show_all<K: FnMut(M::Out)>(
        &mut self,
        events: impl Iterator<Item = (StampOf<C>, InOf<C>)>,
        sink: &mut K,
    ) {
        let mut events = events.peekable();
        while events.peek().is_some() {
            let most = if matches!(self.layer.window.kind, Kind::Count(_)) { self.left } else { usize::MAX };
            let Some(mut current) = self.current() else { return };
            let mut taken = 0;
            for (stamp, event) in events.by_ref().take(most) {
                current.open.wait(stamp, event);
                taken += 1;
            }
            current.show_batch(sink);
            self.count(taken, sink);
        }
    }

    /// Handles a batch in a layer with windows of event time.
    fn timed_batch<K: FnMut(M::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = <TimeOf<C> as Time>::Of<InOf<C>>>,
        sink: &mut K,
    ) {
        let mut events = events.map(TimeOf::<C>::open);
        let in_runs = self.layer.window.every.is_none() && self.layer.custom_trigger.is_none();
        let (mut left, mut moved) = (None, false);
        while let Some((stamp, event)) = left.take().or_else(|| events.next()) {
            let Some(at) = TimeOf::<C>::moment(stamp) else { continue };
            moved |= self.marks.note(edge, at.reached);
            if std::mem::take(&mut moved) {
                self.pass(sink);
            }
            match self.last {
                Some(last) if in_runs && last.accepts(at.at, self.marks.late_before(at)) => {
                    left = self.run(last, edge, (stamp, event), &mut events, &mut moved, sink);
                }
                _ => self.timed_event(stamp, at, event, sink),
            }
        }
        if self.layer.custom_trigger.is_some() {
            self.each_timed(|mut opened| opened.show_batch(sink));
        }
    }

    /// Fires the triggers whose periods have ended, and the alarms of reducers.
    fn ring_triggers<K: FnMut(M::Out)>(&mut self, now: Instant, sink: &mut K) {
        let over = self.periods.take_over(now);
        let mut ring = |mut opened: Opened<'_, C, R, M>| {
            opened.ring(now, sink);
            for period in &over {
                opened.fire(TriggerName::Periodically(*period), sink);
            }
        };
        if let Some(current) = self.current() {
            ring(current);
        }
        if TimeOf::<C>::IS_TIMED {
            self.each_timed(ring);
        }
    }
}

impl<C, R, M> Operator for ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    type In = <TimeOf<C> as Time>::Of<InOf<C>>;
    type Out = M::Out;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
    }

    fn reached(&self) -> Option<Reached> {
        self.marks.seen()
    }

    /// The start of the first window of event time that may still be emitted: a departition needs it.
    fn progress(&self) -> Option<Progress> {
        let spans = self.layer.window.spans().filter(|_| !self.has_more)?;
        let Progress { reached, idle } = self.marks.progress()?;
        let known = reached > i64::MIN;
        let reached = if known { spans.start(self.layer.window.first_open(spans, reached)) } else { reached };
        Some(Progress { reached, idle })
    }

    fn hear<K: FnMut(M::Out)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        if self.goes_by_event_time() && self.marks.told(edge, progress) {
            self.pass(sink);
        }
    }

    fn edge_ended<K: FnMut(M::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.marks.ended(edge);
        self.pass(sink);
    }

    fn takes_batches(&self) -> bool {
        self.layer.custom_trigger.is_some()
    }

    fn batch<K: FnMut(M::Out)>(&mut self, edge: usize, events: impl Iterator<Item = Self::In>, sink: &mut K) {
        // The constant keeps the windows of event time out of the programs of untimed flows.
        if TimeOf::<C>::IS_TIMED && self.goes_by_event_time() {
            self.timed_batch(edge, events, sink);
            return;
        }
        let mut events = events.map(TimeOf::<C>::open);
        if self.layer.custom_trigger.is_some() {
            self.show_all(events, sink);
            return;
        }
        if self.has_one_window() {
            if let Some(mut current) = self.current() {
                current.take_all(events, sink);
            }
            return;
        }
        while let (Some((stamp, event)), Some(mut current)) = (events.next(), self.current()) {
            current.take_in(stamp, event, sink);
            self.count(1, sink);
        }
    }

    fn given<K: FnMut(M::Out)>(&mut self, edge: usize, events: impl Give<Self::In>, sink: &mut K) {
        if !self.has_one_window() {
            events.give(&mut |event| self.batch(edge, std::iter::once(event), sink));
        } else if let Some(mut current) = self.current() {
            current.take_given(events, sink);
        }
    }

    fn finish<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        if let Some(mut current) = self.current() {
            current.fire(TriggerName::Done, sink);
        }
        self.current = None;
        (self.end, self.periods) = (None, Periods::default());
        self.finishing = true;
        self.pass(sink);
    }

    fn has_more(&self) -> bool {
        self.has_more
    }

    fn go_on<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        self.pass(sink);
    }

    fn alarm(&self) -> Option<Instant> {
        let mut next = earlier(self.periods.next(), self.end);
        if let Some(open) = &self.current {
            next = earlier(next, open.alarms.next());
        }
        if TimeOf::<C>::IS_TIMED {
            for open in self.timed.states() {
                next = earlier(next, open.alarms.next());
            }
        }
        next
    }

    fn ring<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let now = Instant::now();
        self.ring_triggers(now, sink);
        if let (Some(end), Kind::Periodic(period)) = (self.end, self.layer.window.kind)
            && end <= now
        {
            self.end = end.checked_add(period);
            self.next_window(sink);
        }
    }
}
