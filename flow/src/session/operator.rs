//! The operator of sessions: assigns events to the sessions of their keys, and emits the sessions that have
//! ended.

use std::collections::binary_heap::PeekMut;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::open::Open;
use super::{Session, Sessions};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::reduce::Marks;
use crate::time::{Agenda, Progress, Reached, Stamp, Stamped};
use crate::window::{Late, TakesLate};

/// A layer that finds sessions.
pub struct SessionLayer<T, F, I, G, H> {
    pub(super) sessions: Sessions,
    pub(super) key: Arc<F>,
    pub(super) init: Arc<I>,
    pub(super) fold: Arc<G>,
    pub(super) merge: Arc<H>,
    pub(super) late: Option<TakesLate<T>>,
    /// Whether the flow has a window or a trigger, which sessions do not support.
    pub(super) windowed: bool,
    pub(super) options: LayerOptions,
    pub(super) takes: PhantomData<fn(T)>,
}

/// The open sessions of one stage.
pub struct SessionOperator<T, Q, A, F, I, G, H> {
    layer: SessionLayer<T, F, I, G, H>,
    /// By key; each list is sorted by time. Most keys have one open session.
    open: FxHashMap<Q, SmallVec<[Open<A>; 1]>>,
    /// The key of each session, by its number and a time that is not after its last event: an event that extends
    /// a session leaves it where it is, and the next look at the session moves it.
    ends: Agenda<Q>,
    /// The number of open sessions.
    held: usize,
    /// A time that is not after the first of `ends`.
    earliest: i64,
    next: u64,
    marks: Marks,
}

impl<T, F, I, G, H> Clone for SessionLayer<T, F, I, G, H> {
    fn clone(&self) -> Self {
        Self {
            sessions: self.sessions.clone(),
            key: Arc::clone(&self.key),
            init: Arc::clone(&self.init),
            fold: Arc::clone(&self.fold),
            merge: Arc::clone(&self.merge),
            late: self.late.clone(),
            windowed: self.windowed,
            options: self.options.clone(),
            takes: PhantomData,
        }
    }
}

impl<T, F, I, G, H> fmt::Debug for SessionLayer<T, F, I, G, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl<T, Q, A, F, I, G, H> fmt::Debug for SessionOperator<T, Q, A, F, I, G, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOperator").field("keys", &self.open.len()).finish_non_exhaustive()
    }
}

impl<T, Q, A, F, I, G, H> Layer for SessionLayer<T, F, I, G, H>
where
    T: Send + 'static,
    Q: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    G: Fn(&mut A, T) + Send + Sync + 'static,
    H: Fn(&mut A, A) + Send + Sync + 'static,
{
    type In = Stamped<T>;
    type Out = Session<Q, A>;
    type Operator = SessionOperator<T, Q, A, F, I, G, H>;

    fn operator(&self, _place: Place) -> Self::Operator {
        SessionOperator {
            layer: self.clone(),
            open: FxHashMap::default(),
            ends: Agenda::new(),
            held: 0,
            earliest: i64::MAX,
            next: 0,
            marks: Marks::new(),
        }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        "sessions".to_owned()
    }

    fn windows(&self) -> Option<String> {
        Some(self.sessions.words())
    }

    fn check(&self) -> Result<(), FlowError> {
        if self.windowed { Err(FlowError::Window { layer: self.name() }) } else { Ok(()) }
    }
}

impl<T, Q, A, F, I, G, H> SessionOperator<T, Q, A, F, I, G, H>
where
    Q: Clone + Eq + Hash,
    F: Fn(&T) -> Q,
    I: Fn() -> A,
    G: Fn(&mut A, T),
    H: Fn(&mut A, A),
{
    /// Adds an event to the only session of its key, and the events after it up to one of another key, or one that may
    /// end a session or be late: this event is returned with its key. Sets `moved` if the watermark may have moved. If
    /// the first event is not of such a session, it is added alone.
    fn take_run(
        &mut self,
        edge: usize,
        (key, first): (Q, Stamped<T>),
        events: &mut impl Iterator<Item = Stamped<T>>,
        moved: &mut bool,
    ) -> Option<(Q, Stamped<T>)> {
        let Self { layer, open, marks, earliest, .. } = self;
        let at = first.stamp.at;
        let one = open.get_mut(&key).map(SmallVec::as_mut_slice);
        let Some([session]) =
            one.filter(|of_key| of_key.first().is_some_and(|open| open.is_near(at, &layer.sessions)))
        else {
            self.take_in(at, key, first.event);
            return None;
        };
        session.extend(at);
        (layer.fold)(&mut session.value, first.event);
        for Stamped { stamp, event } in events {
            let its_key = (layer.key)(&event);
            let is_next = its_key == key && session.is_near(stamp.at, &layer.sessions);
            *moved = is_next && marks.note(edge, stamp.reached);
            let ends_one = *moved && layer.sessions.is_over(*earliest, marks.reached());
            if !is_next || ends_one || layer.sessions.is_over(stamp.at, marks.late_before(stamp)) {
                return Some((its_key, Stamped { stamp, event }));
            }
            session.extend(stamp.at);
            (layer.fold)(&mut session.value, event);
        }
        None
    }

    /// Adds an event to its session; this may merge sessions that were separate.
    fn take_in(&mut self, at: i64, key: Q, event: T) {
        let Self { layer, open, ends, held, earliest, next, .. } = self;
        let near = |open: &Open<A>| open.is_near(at, &layer.sessions);
        let (list, key) = match open.entry(key) {
            Entry::Occupied(known) => {
                if let Some(place) = known.get().iter().position(near) {
                    let list = known.into_mut();
                    // An event can also reach the next session, but no session after that.
                    let other = list.get(place + 1).is_some_and(near).then(|| list.remove(place + 1));
                    let open = &mut list[place];
                    let has_merged = other.is_some();
                    if let Some(other) = other {
                        *held -= 1;
                        open.end = open.end.max(other.end);
                        (layer.merge)(&mut open.value, other.value);
                    }
                    open.extend(at);
                    (layer.fold)(&mut open.value, event);
                    if has_merged {
                        self.tidy();
                    }
                    return;
                }
                let key = known.key().clone();
                (known.into_mut(), key)
            }
            Entry::Vacant(vacant) => {
                let key = vacant.key().clone();
                (vacant.insert(SmallVec::new()), key)
            }
        };
        let (number, mut value) = (*next, (layer.init)());
        *next += 1;
        (layer.fold)(&mut value, event);
        let place = list.partition_point(|open| open.end < at);
        list.insert(place, Open { start: at, end: at, value, number });
        ends.add(at, number, key);
        *held += 1;
        *earliest = at.min(*earliest);
    }

    /// A session has become a part of another one: its entry in `ends` is outdated.
    fn tidy(&mut self) {
        let Self { open, ends, held, .. } = self;
        ends.tidy(*held, |entry| {
            open.get(&entry.key).is_some_and(|list| list.iter().any(|open| open.number == entry.number))
        });
    }

    /// Emits the sessions that the watermark has passed.
    #[inline]
    fn pass_watermark<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        let Some(watermark) = self.marks.watermark() else { return };
        if self.layer.sessions.is_over(self.earliest, watermark) {
            while let Some(session) = self.take_over(Some(watermark)) {
                sink(session);
            }
        }
    }

    /// Returns the watermark if the event is late: a session of the event alone would have ended by the watermark of
    /// its source or of the stage, and no open session takes it.
    fn late_by(&self, stamp: Stamp, event: &T) -> Option<i64> {
        let (sessions, ended) = (&self.layer.sessions, self.marks.late_before(stamp));
        if !sessions.is_over(stamp.at, ended) {
            return None;
        }
        let of_its_key = self.open.get(&(self.layer.key)(event));
        let takes_it =
            |open: &Open<A>| open.is_near(stamp.at, sessions) && !sessions.is_over(open.end, ended);
        if of_its_key.is_some_and(|list| list.iter().any(takes_it)) { None } else { Some(ended) }
    }

    /// Emits the sessions whose last event happened first, if there are too many.
    fn evict<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        let most = self.layer.sessions.most;
        while self.held > most
            && let Some(session) = self.take_over(None)
        {
            self.layer.sessions.evicted.add(1);
            sink(session);
        }
    }

    /// Removes the session that ends first, if it is over by the watermark; without one, in any case.
    fn take_over(&mut self, watermark: Option<i64>) -> Option<Session<Q, A>> {
        let Self { layer, open, ends, held, earliest, .. } = self;
        let is_due = |at| watermark.is_none_or(|watermark| layer.sessions.is_over(at, watermark));
        while let Some(mut first) = ends.first().filter(|first| is_due(first.at)) {
            let (noted, number) = (first.at, first.number);
            let list = open.get_mut(&first.key);
            let found =
                list.and_then(|list| Some((list.iter().position(|open| open.number == number)?, list)));
            let Some((place, list)) = found else {
                // The session has become a part of another one.
                PeekMut::pop(first);
                continue;
            };
            let open_until = list[place].end;
            if open_until > noted {
                first.at = open_until;
                continue;
            }
            let over = list.remove(place);
            *held -= 1;
            let key = PeekMut::pop(first).key;
            if list.is_empty() {
                open.remove(&key);
            }
            return Some(over.ended(key));
        }
        *earliest = ends.earliest();
        None
    }
}

impl<T, Q, A, F, I, G, H> Operator for SessionOperator<T, Q, A, F, I, G, H>
where
    T: Send + 'static,
    Q: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    G: Fn(&mut A, T) + Send + Sync + 'static,
    H: Fn(&mut A, A) + Send + Sync + 'static,
{
    type In = Stamped<T>;
    type Out = Session<Q, A>;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
    }

    fn reached(&self) -> Option<Reached> {
        self.marks.seen()
    }

    fn hear<K: FnMut(Session<Q, A>)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        if self.marks.told(edge, progress) {
            self.pass_watermark(sink);
        }
    }

    fn edge_ended<K: FnMut(Session<Q, A>)>(&mut self, edge: usize, sink: &mut K) {
        self.marks.ended(edge);
        self.pass_watermark(sink);
    }

    fn batch<K: FnMut(Session<Q, A>)>(
        &mut self,
        edge: usize,
        mut events: impl Iterator<Item = Stamped<T>>,
        sink: &mut K,
    ) {
        let (mut left, mut moved) = (None, false);
        while let Some((key, Stamped { stamp, event })) = left
            .take()
            .map(|(key, event)| (Some(key), event))
            .or_else(|| events.next().map(|event| (None, event)))
        {
            moved |= self.marks.note(edge, stamp.reached);
            if std::mem::take(&mut moved) {
                self.pass_watermark(sink);
            }
            if let Some(watermark) = self.late_by(stamp, &event) {
                self.marks.came_late();
                self.layer.sessions.late.add(1);
                if let Some(late) = &self.layer.late {
                    late(Late { event, at: stamp.at, watermark });
                }
                continue;
            }
            let key = key.unwrap_or_else(|| (self.layer.key)(&event));
            left = self.take_run(edge, (key, Stamped { stamp, event }), &mut events, &mut moved);
            self.evict(sink);
        }
    }

    fn finish<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        // `ends` has earlier times than the ends of most sessions; sorting all takes less than moving them in it.
        self.ends.clear();
        self.held = 0;
        let open = std::mem::take(&mut self.open);
        let mut all = Vec::with_capacity(open.len());
        for (key, mut list) in open {
            let last = list.pop();
            all.extend(list.into_iter().map(|open| (key.clone(), open)));
            all.extend(last.map(|open| (key, open)));
        }
        all.sort_unstable_by_key(|(_, open)| (open.end, open.number));
        for (key, open) in all {
            sink(open.ended(key));
        }
    }
}

#[cfg(test)]
mod tests;
