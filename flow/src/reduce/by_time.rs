//! Windows that go by the time of events: which an event belongs to, and when each is over.

use super::operator::{ReduceOperator, fire, take_in};
use super::{Accumulate, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf};
use crate::time::Stamp;
use crate::window::{Kind, TriggerName, WindowId};

impl<C, R, M> ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    /// One event of a flow whose windows go by its time.
    pub(super) fn timed_event<K: FnMut(M::Out)>(
        &mut self,
        stamp: StampOf<C>,
        at: Stamp,
        event: InOf<C>,
        sink: &mut K,
    ) {
        let (span, step) = match self.layer.window.kind {
            Kind::Sliding(span, step) => (span, step),
            Kind::Fixed(span) => (span, span),
            _ => return,
        };
        let late = at.watermark.saturating_sub(self.layer.window.lateness);
        let last = at.at.div_euclid(step).saturating_mul(step);
        // The windows that contain it, the last first: those that are over are the earliest.
        let first = at.at.max(late).saturating_sub(span);
        if last <= first {
            self.layer.window.late.add(1);
            return;
        }
        let mut start = last;
        while start.saturating_sub(step) > first {
            if let Some(copy) = self.layer.copy {
                self.put(start, stamp, copy(&event), sink);
            }
            start = start.saturating_sub(step);
        }
        self.put(start, stamp, event, sink);
    }

    /// Puts an event into the window that begins at `start`.
    fn put<K: FnMut(M::Out)>(&mut self, start: i64, stamp: StampOf<C>, event: InOf<C>, sink: &mut K) {
        let id = self.timed_id(start);
        let mut open = self.timed.remove(&start).unwrap_or_else(|| self.open());
        take_in(&self.layer, &mut open, id, self.place, stamp, event, sink);
        self.timed.insert(start, open);
    }

    /// Hands out the windows that the watermark has passed.
    pub(super) fn pass<K: FnMut(M::Out)>(&mut self, watermark: i64, sink: &mut K) {
        let (Kind::Fixed(span) | Kind::Sliding(span, _)) = self.layer.window.kind else { return };
        self.open_gaps(watermark);
        let lateness = self.layer.window.lateness;
        let is_over = |start: &i64| start.saturating_add(span).saturating_add(lateness) <= watermark;
        while self.timed.keys().next().is_some_and(is_over) {
            self.close_first(sink);
        }
        if lateness == 0 {
            return;
        }
        let reached: Vec<i64> = self
            .timed
            .iter()
            .take_while(|(start, _)| start.saturating_add(span) <= watermark)
            .filter(|(_, open)| !open.passed)
            .map(|(start, _)| *start)
            .collect();
        for start in reached {
            let id = self.timed_id(start);
            if let Some(open) = self.timed.get_mut(&start) {
                open.passed = true;
                fire(&self.layer, open, id, TriggerName::Watermark, self.place, sink);
            }
        }
    }

    /// Opens the windows without events that end until `end`, if they are wanted.
    pub(super) fn open_gaps(&mut self, end: i64) {
        let (span, step) = match self.layer.window.kind {
            Kind::Fixed(span) => (span, span),
            Kind::Sliding(span, step) => (span, step),
            _ => return,
        };
        if !self.layer.window.emit_empty {
            return;
        }
        let first = self.gaps.or_else(|| self.timed.keys().next().copied());
        let Some(mut start) = first else { return };
        while start.saturating_add(span) <= end {
            if !self.timed.contains_key(&start) {
                let open = self.open();
                self.timed.insert(start, open);
            }
            start = start.saturating_add(step);
        }
        self.gaps = Some(start);
    }

    /// Hands out the earliest window for good.
    pub(super) fn close_first<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let Some((start, mut open)) = self.timed.pop_first() else { return };
        fire(&self.layer, &mut open, self.timed_id(start), TriggerName::Done, self.place, sink);
    }

    /// The window of event time that begins at `start`.
    pub(super) fn timed_id(&self, start: i64) -> WindowId {
        match self.layer.window.kind {
            Kind::Sliding(..) => WindowId::Sliding(start),
            _ => WindowId::Fixed(start),
        }
    }
}
