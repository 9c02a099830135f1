//! What each stage of a layer with a reducer runs: its windows, and the triggers of each.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::layer::ReduceLayer;
use super::marks::Marks;
use super::{Accumulate, Emit, Reducer};
use crate::chain::{Chain, InOf, StampOf, TimeOf};
use crate::plan::{Feeds, Operator, Place};
use crate::time::Time;
use crate::window::{Kind, Look, Next, Trigger, TriggerName, WindowId};

/// The windows of one stage.
pub struct ReduceOperator<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    pub(super) layer: ReduceLayer<C, R, M>,
    pub(super) place: Place,
    /// The window that is open where windows follow each other; nothing where they go by event time.
    current: Option<OpenOf<C, R>>,
    /// Its number.
    number: u64,
    /// Events that it still takes, where it is one of so many.
    left: usize,
    /// By start, where windows go by event time.
    pub(super) timed: BTreeMap<i64, OpenOf<C, R>>,
    /// The start of the first window that was not looked at for being empty.
    pub(super) gaps: Option<i64>,
    pub(super) marks: Marks,
    /// When a window by the clock ends.
    end: Option<Instant>,
    /// Periods, and when each is over next.
    periods: Vec<(Duration, Instant)>,
}

/// A window of these steps and this reducer.
pub(super) type OpenOf<C, R> = Open<<C as Chain>::State, <R as Accumulate>::Acc, InOf<C>>;

/// One window that is open.
pub(super) struct Open<S, A, T> {
    state: S,
    acc: Option<A>,
    /// Events until the next trigger, where it goes by their number.
    until: usize,
    /// Whether it was handed out because the watermark had passed it.
    pub(super) passed: bool,
    /// The application's own trigger, if it has one.
    look: Option<Look<T>>,
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
        let periods = layer.window.periodically.iter().map(|period| (*period, now + *period)).collect();
        let (end, left) = match layer.window.kind {
            Kind::Periodic(period) => (Some(now + period), 0),
            Kind::Count(events) => (None, events),
            Kind::Global | Kind::Fixed(_) | Kind::Sliding(..) => (None, 0),
        };
        let mut operator = Self {
            layer,
            place,
            current: None,
            number: 0,
            left,
            timed: BTreeMap::new(),
            gaps: None,
            marks: Marks::new(),
            end,
            periods,
        };
        if !operator.goes_by_event_time() {
            operator.current = Some(operator.open());
        }
        operator
    }

    fn goes_by_event_time(&self) -> bool {
        matches!(self.layer.window.kind, Kind::Fixed(_) | Kind::Sliding(..))
    }

    pub(super) fn open(&self) -> OpenOf<C, R> {
        Open {
            state: self.layer.chain.state(),
            acc: Some(self.layer.reducer.acc()),
            until: self.layer.window.every.unwrap_or(usize::MAX),
            passed: false,
            look: self.layer.looks.as_ref().map(|looks| looks()),
        }
    }

    /// The window that is open now.
    fn id(&self) -> WindowId {
        match self.layer.window.kind {
            Kind::Count(_) => WindowId::Count(self.number),
            Kind::Periodic(_) => WindowId::Periodic(self.number),
            _ => WindowId::Global,
        }
    }

    /// Ends the window that is open, and opens the next.
    fn next_window<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let id = self.id();
        if let Some(mut open) = self.current.take() {
            fire(&self.layer, &mut open, id, TriggerName::Done, self.place, sink);
        }
        self.number += 1;
        self.current = Some(self.open());
    }

    /// So many events were taken into the window that is open; it ends if it has all.
    fn count<K: FnMut(M::Out)>(&mut self, taken: usize, sink: &mut K) {
        if let Kind::Count(events) = self.layer.window.kind {
            self.left = self.left.saturating_sub(taken);
            if self.left == 0 {
                self.left = events;
                self.next_window(sink);
            }
        }
    }

    /// Shows events of the window that is open to the application's own trigger.
    fn look_at<K: FnMut(M::Out)>(&mut self, slice: Vec<(StampOf<C>, InOf<C>)>, sink: &mut K) {
        let (id, taken) = (self.id(), slice.len());
        let Some((stamp, _)) = slice.first() else { return };
        let stamp = *stamp;
        let mut batch: Vec<InOf<C>> = slice.into_iter().map(|(_, event)| event).collect();
        if let Some(open) = &mut self.current
            && let Some(mut look) = open.look.take()
        {
            while !batch.is_empty() {
                let (before, fire) = match look(std::mem::take(&mut batch)) {
                    Next::Reduce(events) => (events, None),
                    Next::Fire { name, before, after } => {
                        batch = after;
                        (before, Some(TriggerName::Custom(name)))
                    }
                };
                for event in before {
                    take_in(&self.layer, open, id, self.place, stamp, event, sink);
                }
                if let Some(name) = fire {
                    self::fire(&self.layer, open, id, name, self.place, sink);
                }
            }
            open.look = Some(look);
        }
        self.count(taken, sink);
    }
}

/// Hands something out of a window.
pub(super) fn fire<C, R, M, K>(
    layer: &ReduceLayer<C, R, M>,
    open: &mut OpenOf<C, R>,
    window: WindowId,
    name: TriggerName,
    place: Place,
    sink: &mut K,
) where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
    K: FnMut(M::Out),
{
    let acc = open.acc.take().unwrap_or_else(|| layer.reducer.acc());
    open.acc = layer.emit.emit(acc, &Trigger { window, name, place }, sink);
}

/// Takes one event into a window.
#[inline]
pub(super) fn take_in<C, R, M, K>(
    layer: &ReduceLayer<C, R, M>,
    open: &mut OpenOf<C, R>,
    window: WindowId,
    place: Place,
    stamp: StampOf<C>,
    event: InOf<C>,
    sink: &mut K,
) where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
    K: FnMut(M::Out),
{
    let Open { state, acc, until, .. } = open;
    let acc = acc.get_or_insert_with(|| layer.reducer.acc());
    layer.chain.push(state, stamp, event, &mut |_, event| layer.reducer.reduce(acc, event, sink));
    *until -= 1;
    if *until == 0
        && let Some(every) = layer.window.every
    {
        *until = every;
        fire(layer, open, window, TriggerName::Every(every), place, sink);
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

    fn edge_ended(&mut self, edge: usize) {
        self.marks.ended(edge);
    }

    fn batch<K: FnMut(M::Out)>(&mut self, edge: usize, events: impl Iterator<Item = Self::In>, sink: &mut K) {
        if let (Kind::Global, None, None, Some(open)) =
            (self.layer.window.kind, self.layer.window.every, &self.layer.looks, &mut self.current)
        {
            // Most layers have one window, and look at nothing else for each event.
            let (chain, reducer) = (&self.layer.chain, &self.layer.reducer);
            let acc = open.acc.get_or_insert_with(|| reducer.acc());
            for event in events {
                let (stamp, event) = TimeOf::<C>::open(event);
                let reduce = &mut |_, event| reducer.reduce(acc, event, sink);
                chain.push(&mut open.state, stamp, event, reduce);
            }
            return;
        }
        if self.layer.looks.is_some() && !self.goes_by_event_time() {
            let mut rest: Vec<_> = events.map(TimeOf::<C>::open).collect();
            while !rest.is_empty() {
                let most =
                    if matches!(self.layer.window.kind, Kind::Count(_)) { self.left } else { usize::MAX };
                let slice: Vec<_> = rest.drain(..most.min(rest.len())).collect();
                self.look_at(slice, sink);
            }
            return;
        }
        for event in events {
            let (stamp, event) = TimeOf::<C>::open(event);
            if self.goes_by_event_time() {
                let Some(at) = TimeOf::<C>::moment(stamp) else { continue };
                let moved = self.marks.note(edge, at.reached);
                if moved && let Some(watermark) = self.marks.watermark() {
                    self.pass(watermark, sink);
                }
                self.timed_event(stamp, at, event, sink);
                continue;
            }
            let id = self.id();
            let Some(open) = &mut self.current else { return };
            take_in(&self.layer, open, id, self.place, stamp, event, sink);
            self.count(1, sink);
        }
    }

    fn finish<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let id = self.id();
        if let Some(mut open) = self.current.take() {
            fire(&self.layer, &mut open, id, TriggerName::Done, self.place, sink);
        }
        if let Some(last) = self.timed.keys().next_back().copied() {
            self.open_gaps(last);
        }
        while !self.timed.is_empty() {
            self.close_first(sink);
        }
        (self.end, self.periods) = (None, Vec::new());
    }

    fn alarm(&self) -> Option<Instant> {
        self.periods.iter().map(|(_, at)| *at).chain(self.end).min()
    }

    fn ring<K: FnMut(M::Out)>(&mut self, sink: &mut K) {
        let now = Instant::now();
        let over: Vec<Duration> =
            self.periods.iter().filter(|(_, at)| *at <= now).map(|(period, _)| *period).collect();
        for (period, at) in &mut self.periods {
            while *at <= now {
                *at += *period;
            }
        }
        for period in over {
            let (id, name) = (self.id(), TriggerName::Periodically(period));
            if let Some(open) = &mut self.current {
                fire(&self.layer, open, id, name.clone(), self.place, sink);
            }
            let starts: Vec<i64> = self.timed.keys().copied().collect();
            for start in starts {
                let id = self.timed_id(start);
                if let Some(open) = self.timed.get_mut(&start) {
                    fire(&self.layer, open, id, name.clone(), self.place, sink);
                }
            }
        }
        if let (Some(end), Kind::Periodic(period)) = (self.end, self.layer.window.kind)
            && end <= now
        {
            self.end = Some(end + period);
            self.next_window(sink);
        }
    }
}
