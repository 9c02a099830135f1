//! The operator of a join: keeps both sides by key, for each window.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::sides::{Sides, Which};
use super::{JoinKind, Side};
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::reduce::Marks;
use crate::stats::Tally;
use crate::time::{Progress, Reached, Stamp, Time};
use crate::window::{Interval, Late, OpenWindows, TakesLate, WindowSpec};

/// The type parameters of a join.
type Types<M, Q, L, R, J> = fn(M, Q, L, R) -> J;

/// A layer that joins events by key.
pub struct JoinLayer<M, Q, L, R, J> {
    pub(super) window: WindowSpec,
    pub(super) bound: Option<Bound<Q>>,
    pub(super) late: Option<TakesLate<Side<Q, L, R>>>,
    pub(super) options: LayerOptions,
    pub(super) types: PhantomData<Types<M, Q, L, R, J>>,
}

impl<M, Q, L, R, J> Clone for JoinLayer<M, Q, L, R, J> {
    fn clone(&self) -> Self {
        Self {
            window: self.window.clone(),
            bound: self.bound.clone(),
            late: self.late.clone(),
            options: self.options.clone(),
            types: PhantomData,
        }
    }
}

impl<M, Q, L, R, J> fmt::Debug for JoinLayer<M, Q, L, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinLayer").field("window", &self.window).finish_non_exhaustive()
    }
}

impl<M, Q, L, R, J> Layer for JoinLayer<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    type In = M::Of<Side<Q, L, R>>;
    type Out = J::Out;
    type Operator = JoinOperator<M, Q, L, R, J>;

    fn operator(&self, _place: Place) -> Self::Operator {
        JoinOperator {
            layer: self.clone(),
            windows: OpenWindows::new(),
            held: 0,
            order: VecDeque::new(),
            marks: Marks::new(),
            lefts: 0,
            open: (0, 0),
            ended: None,
            last: None,
            quiet: i64::MAX,
        }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "join".to_owned()
    }

    fn windows(&self) -> Option<String> {
        self.window.words()
    }
}

/// The operator of a join: both sides of each open window.
pub struct JoinOperator<M, Q, L, R, J> {
    layer: JoinLayer<M, Q, L, R, J>,
    /// Both sides of each window; without windows, number 0 is the only one.
    windows: OpenWindows<Sides<Q, L, R>>,
    /// The number of events that all windows hold.
    held: usize,
    /// The arrival order of the events, oldest first; kept only if there is a limit. May include events of
    /// closed windows, but hardly more than of open ones.
    order: VecDeque<(i64, Q, Which)>,
    marks: Marks,
    /// The number of stages of the left flow, which the first edges come from.
    lefts: usize,
    /// The numbers of stages of both flows that have not ended.
    open: (usize, usize),
    /// The side that has ended, in a join without a window and a limit.
    ended: Option<Which>,
    /// The window of the last event that was not late.
    last: Option<Interval>,
    /// Up to this watermark, no window is over.
    quiet: i64,
}

impl<M, Q, L, R, J> fmt::Debug for JoinOperator<M, Q, L, R, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinOperator").field("windows", &self.windows.len()).finish_non_exhaustive()
    }
}

/// The limit on the events that each stage keeps.
pub(super) struct Bound<Q> {
    pub(super) most: usize,
    pub(super) evicted: Tally,
    pub(super) copy: fn(&Q) -> Q,
}

impl<Q> Clone for Bound<Q> {
    fn clone(&self) -> Self {
        Self { most: self.most, evicted: self.evicted.clone(), copy: self.copy }
    }
}

impl<M, Q, L, R, J> JoinOperator<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    /// Closes the windows that the watermark has passed.
    #[inline]
    fn pass<K: FnMut(J::Out)>(&mut self, sink: &mut K) {
        // A constant, so that an untimed flow does not compile the rest.
        if M::IS_TIMED && self.marks.reached() > self.quiet {
            self.close(sink);
        }
    }

    fn close<K: FnMut(J::Out)>(&mut self, sink: &mut K) {
        let window = &self.layer.window;
        let (Some(spans), Some(watermark)) = (window.spans(), self.marks.watermark()) else { return };
        let first_open = window.first_open(spans, watermark);
        while let Some(over) = self.windows.pop_before(first_open) {
            self.held -= over.held();
            over.end::<J, _>(sink);
        }
        let first = self.windows.first();
        self.quiet = first.map_or(i64::MAX, |first| spans.interval(first, window.lateness).open_until);
        self.forget_closed();
    }

    /// Removes the events of closed windows from `order`, once they are more than half of it: an event of a window far
    /// ahead stays in front of them, so those at the front alone are not enough.
    fn forget_closed(&mut self) {
        if self.order.len() > 2 * self.held + 64 {
            self.order.retain(|(window, ..)| self.windows.contains(*window));
        }
    }

    /// Evicts the oldest events beyond the limit.
    fn evict<K: FnMut(J::Out)>(&mut self, sink: &mut K) {
        let Some(bound) = &self.layer.bound else { return };
        while self.held > bound.most
            && let Some((window, key, which)) = self.order.pop_front()
        {
            if let Some(sides) = self.windows.get_mut(window) {
                sides.evict::<J, _>(&key, which, sink);
                self.held -= 1;
                bound.evicted.add(1);
            }
        }
    }

    /// Returns the number of the event's window, or the watermark as the error if the event is too late.
    #[inline]
    fn window_of(&mut self, stamp: Stamp) -> Result<i64, i64> {
        let ended = self.marks.late_before(stamp);
        match self.last {
            Some(last) if last.accepts(stamp.at, ended) => Ok(last.number),
            _ => self.other_window(stamp.at, ended),
        }
    }

    /// Returns what [`window_of`](Self::window_of) does for an event that is not in the window of the last one.
    #[inline(never)]
    fn other_window(&mut self, at: i64, ended: i64) -> Result<i64, i64> {
        let WindowSpec { lateness, .. } = self.layer.window;
        let Some(spans) = self.layer.window.spans() else { return Ok(0) };
        let interval = spans.interval(spans.begun_by(at), lateness);
        if !interval.accepts(at, ended) {
            return Err(ended);
        }
        self.last = Some(interval);
        self.quiet = self.quiet.min(interval.open_until);
        Ok(interval.number)
    }

    /// Counts an event that is too late for its window, and passes it on.
    #[cold]
    fn too_late(&mut self, at: i64, watermark: i64, side: Side<Q, L, R>) {
        self.marks.came_late();
        self.layer.window.late.add(1);
        if let Some(late) = &self.layer.late {
            late(Late { event: side, at, watermark });
        }
    }

    /// Adds one event to its window.
    #[inline]
    fn take_in<K: FnMut(J::Out)>(&mut self, window: i64, side: Side<Q, L, R>, sink: &mut K) {
        if self.layer.bound.is_some() {
            self.take_in_limited(window, side, sink);
        } else {
            let is_kept = self.windows.of(window, Sides::default).take_in::<J, _>(side, self.ended, sink);
            self.held += usize::from(is_kept);
        }
    }

    /// Adds one event to its window, and evicts the oldest if there are too many.
    #[inline(never)]
    fn take_in_limited<K: FnMut(J::Out)>(&mut self, window: i64, side: Side<Q, L, R>, sink: &mut K) {
        let which = match side {
            Side::Left(..) => Which::Left,
            Side::Right(..) => Which::Right,
        };
        let key = self.layer.bound.as_ref().map(|bound| (bound.copy)(side.key()));
        if self.windows.of(window, Sides::default).take_in::<J, _>(side, self.ended, sink)
            && let Some(key) = key
        {
            self.held += 1;
            self.order.push_back((window, key, which));
            self.evict(sink);
        }
    }

    /// Returns whether a window or a limit bounds what is kept of both sides.
    fn is_limited(&self) -> bool {
        self.layer.bound.is_some() || self.layer.window.spans().is_some()
    }

    /// Records that a stage of a flow has ended. Without a window or a limit, nothing waits for a flow that has
    /// ended.
    fn count_end<K: FnMut(J::Out)>(&mut self, edge: usize, sink: &mut K) {
        let (which, open) = if edge < self.lefts {
            (Which::Left, &mut self.open.0)
        } else {
            (Which::Right, &mut self.open.1)
        };
        *open = open.saturating_sub(1);
        let is_open = *open > 0;
        if is_open || self.ended.is_some() || self.is_limited() {
            return;
        }
        self.ended = Some(which);
        for sides in self.windows.states_mut() {
            self.held -= sides.held();
            sides.end_side::<J, _>(which, sink);
            self.held += sides.held();
        }
    }
}

impl<M, Q, L, R, J> Operator for JoinOperator<M, Q, L, R, J>
where
    M: Time,
    Q: Eq + Hash + Send + 'static,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    J: JoinKind<L, R>,
{
    type In = M::Of<Side<Q, L, R>>;
    type Out = J::Out;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
        if let Feeds::Sides(left, right) = feeds {
            (self.lefts, self.open) = (left, (left, right));
            if !self.is_limited() {
                self.ended = match (left, right) {
                    (0, _) => Some(Which::Left),
                    (_, 0) => Some(Which::Right),
                    _ => None,
                };
            }
        }
    }

    fn reached(&self) -> Option<Reached> {
        self.marks.seen()
    }

    fn hear<K: FnMut(J::Out)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        if self.marks.told(edge, progress) {
            self.pass(sink);
        }
    }

    fn edge_ended<K: FnMut(J::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.marks.ended(edge);
        self.pass(sink);
        self.count_end(edge, sink);
    }

    fn batch<K: FnMut(J::Out)>(&mut self, edge: usize, events: impl Iterator<Item = Self::In>, sink: &mut K) {
        let has_windows = self.layer.window.spans().is_some();
        events.for_each(|carried| {
            let (stamp, side) = M::open(carried);
            if !M::IS_TIMED {
                self.take_in(0, side, sink);
                return;
            }
            let window = match M::moment(stamp) {
                Some(stamp) if has_windows => {
                    if self.marks.note(edge, stamp.reached) {
                        self.pass(sink);
                    }
                    self.window_of(stamp).map_err(|watermark| (stamp.at, watermark))
                }
                _ => Ok(0),
            };
            match window {
                Ok(window) => self.take_in(window, side, sink),
                Err((at, watermark)) => self.too_late(at, watermark, side),
            }
        });
    }

    fn finish<K: FnMut(J::Out)>(&mut self, sink: &mut K) {
        self.windows.take_all().for_each(|sides| sides.end::<J, _>(sink));
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;
    use std::time::Duration;

    use super::super::Inner;
    use super::*;
    use crate::time::{Stamped, Timed};
    use crate::window::Window;

    #[test]
    fn an_event_far_ahead_keeps_no_memory_of_closed_windows() {
        let bound = Bound { most: 1000, evicted: Tally::new(), copy: |key: &i64| *key };
        let layer = JoinLayer::<Timed, i64, i64, i64, Inner> {
            window: Window::fixed(Duration::from_millis(10)).spec,
            bound: Some(bound),
            late: None,
            options: LayerOptions::default(),
            types: PhantomData,
        };
        let mut operator = layer.operator(Place { index: 0, of: 1 });
        operator.fed_by(Feeds::Sides(1, 1));
        operator.edge_ended(1, &mut |_| {});
        let event = |at, reached| {
            let stamp = Stamp { at, watermark: reached, reached };
            Stamped { stamp, event: Side::Left(at, at) }
        };
        operator.batch(0, once(event(1_000_000, 0)), &mut |_| {});
        for at in (0..100_000).step_by(10) {
            operator.batch(0, once(event(at, at)), &mut |_| {});
            assert_eq!(operator.held, 2, "the event far ahead, and one of the open window");
            assert!(operator.order.len() < 100, "{} places", operator.order.len());
        }
    }
}
