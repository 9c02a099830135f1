//! Windows that go by the time of events: which an event belongs to, and when each is over.

use super::open::{Open, Opened};
use super::operator::ReduceOperator;
use super::{Accumulate, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf};
use crate::time::Stamp;
use crate::window::{Kind, Late, TriggerName, WindowId};

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
        // By the clock of its own source, or by that of the others if its own was idle.
        let ended = at.watermark.max(self.marks.reached());
        let late = ended.saturating_sub(self.layer.window.lateness);
        let last = at.at.div_euclid(step).saturating_mul(step);
        // The windows that contain it, the last first: those that are over are the earliest.
        let first = at.at.max(late).saturating_sub(span);
        if last <= first {
            self.layer.window.late.add(1);
            if let Some(late) = &self.layer.late {
                late(Late { event, at: at.at, watermark: ended });
            }
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
        let (window, layer) = (self.timed_id(start), &self.layer);
        let open = self.timed.entry(start).or_insert_with(|| Open::new(layer));
        if layer.looks.is_some() {
            open.wait(stamp, event);
        } else {
            Opened { layer, window, place: self.place, open }.take_in(stamp, event, sink);
        }
    }

    /// Does something with each window that is open, the earliest first.
    pub(super) fn each_timed(&mut self, mut each: impl FnMut(Opened<'_, C, R, M>)) {
        let (layer, place) = (&self.layer, self.place);
        let kind = layer.window.kind;
        for (start, open) in &mut self.timed {
            each(Opened { layer, window: timed_id(kind, *start), place, open });
        }
    }

    /// Hands out the windows that the watermark has passed.
    pub(super) fn pass<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let (Kind::Fixed(span) | Kind::Sliding(span, _)) = self.layer.window.kind else { return };
        let Some(watermark) = self.marks.watermark() else { return };
        self.open_gaps(watermark);
        let lateness = self.layer.window.lateness;
        let is_over = |start: &i64| start.saturating_add(span).saturating_add(lateness) <= watermark;
        while self.timed.keys().next().is_some_and(is_over) {
            self.close_first(sink);
        }
        if lateness == 0 {
            return;
        }
        let (layer, place, kind) = (&self.layer, self.place, self.layer.window.kind);
        let reached = self.timed.iter_mut().take_while(|(start, _)| start.saturating_add(span) <= watermark);
        for (start, open) in reached.filter(|(_, open)| !open.passed) {
            open.passed = true;
            let window = timed_id(kind, *start);
            Opened { layer, window, place, open }.fire(TriggerName::Watermark, sink);
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
            let layer = &self.layer;
            self.timed.entry(start).or_insert_with(|| Open::new(layer));
            start = start.saturating_add(step);
        }
        self.gaps = Some(start);
    }

    /// Hands out the earliest window for good.
    pub(super) fn close_first<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let Some((start, mut open)) = self.timed.pop_first() else { return };
        let (layer, window, place) = (&self.layer, self.timed_id(start), self.place);
        Opened { layer, window, place, open: &mut open }.fire(TriggerName::Done, sink);
    }

    /// The window of event time that begins at `start`.
    fn timed_id(&self, start: i64) -> WindowId {
        timed_id(self.layer.window.kind, start)
    }
}

fn timed_id(kind: Kind, start: i64) -> WindowId {
    match kind {
        Kind::Sliding(..) => WindowId::Sliding(start),
        _ => WindowId::Fixed(start),
    }
}
