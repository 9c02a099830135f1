//! The operator of sessions: assigns events to the sessions of their keys, and emits the sessions that have
//! ended.

use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use super::open::{OfKey, Open};
use super::{Session, Sessions};
use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::reduce::Marks;
use crate::time::{Agenda, Progress, Reached, Stamped};
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
    open: HashTable<OfKey<Q, A>>,
    /// The place in `open` where a key was found last; another key may be there by now. The next event often has the same
    /// key, which is looked for here first.
    last: usize,
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
            open: HashTable::new(),
            last: 0,
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
    /// Looks up the key of an event, and adds the event to its session if the key has one session and the event belongs to
    /// it; returns the event otherwise.
    #[inline(never)]
    fn extend(&mut self, at: i64, key: &Q, event: T) -> Option<T> {
        let Self { layer, open, last, .. } = self;
        let Some(place) = open.find_bucket_index(hash_of(key), |of_key| of_key.key == *key) else {
            return Some(event);
        };
        *last = place;
        let session = open.get_bucket_mut(place).and_then(|of_key| of_key.only_near(at, &layer.sessions));
        let Some(session) = session else { return Some(event) };
        session.extend(at);
        (layer.fold)(&mut session.value, event);
        None
    }

    /// Adds an event to its session; this may merge sessions that were separate.
    fn take_in(&mut self, at: i64, key: Q, event: T) {
        let Self { layer, open, ends, held, earliest, next, .. } = self;
        let near = |open: &Open<A>| open.is_near(at, &layer.sessions);
        let of_key = open.entry(hash_of(&key), |of_key| of_key.key == key, |of_key| hash_of(&of_key.key));
        let (list, key) = match of_key {
            Entry::Occupied(known) => {
                let OfKey { key, sessions: list } = known.into_mut();
                if let Some(place) = list.iter().position(near) {
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
                // Of equal keys, the first one is emitted with all sessions.
                (list, key.clone())
            }
            Entry::Vacant(vacant) => {
                let new = vacant.insert(OfKey { key: key.clone(), sessions: SmallVec::new() });
                (&mut new.into_mut().sessions, key)
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
            let of_its_key = open.find(hash_of(&entry.key), |of_key| of_key.key == entry.key);
            of_its_key.is_some_and(|of_key| of_key.place_of(entry.number).is_some())
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

    /// Returns whether no open session of its key takes an event, of which a session alone would have ended by the
    /// watermark `ended`.
    #[cold]
    fn is_late(&self, at: i64, ended: i64, key: &Q) -> bool {
        let sessions = &self.layer.sessions;
        let takes_it = |open: &Open<A>| open.is_near(at, sessions) && !sessions.is_over(open.end, ended);
        let of_its_key = self.open.find(hash_of(key), |of_key| of_key.key == *key);
        !of_its_key.is_some_and(|of_key| of_key.sessions.iter().any(takes_it))
    }

    /// Counts a late event and passes it on; `watermark` is the one by which it is late.
    #[cold]
    fn leave_out(&mut self, at: i64, event: T, watermark: i64) {
        self.marks.came_late();
        self.layer.sessions.late.add(1);
        if let Some(late) = &self.layer.late {
            late(Late { event, at, watermark });
        }
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
            let found = open.find_entry(hash_of(&first.key), |of_key| of_key.key == first.key);
            let place = found.as_ref().ok().and_then(|found| found.get().place_of(number));
            let (Ok(mut found), Some(place)) = (found, place) else {
                // The session has become a part of another one.
                PeekMut::pop(first);
                continue;
            };
            let list = &mut found.get_mut().sessions;
            let open_until = list[place].end;
            if open_until > noted {
                first.at = open_until;
                continue;
            }
            let over = list.remove(place);
            *held -= 1;
            if list.is_empty() {
                found.remove();
            }
            let key = PeekMut::pop(first).key;
            return Some(over.ended(key));
        }
        *earliest = ends.earliest();
        None
    }
}

fn hash_of<Q: Hash>(key: &Q) -> u64 {
    FxBuildHasher.hash_one(key)
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
        events: impl Iterator<Item = Stamped<T>>,
        sink: &mut K,
    ) {
        events.for_each(|Stamped { stamp, event }| {
            if self.marks.note(edge, stamp.reached) {
                self.pass_watermark(sink);
            }
            let (at, key, ended) = (stamp.at, (self.layer.key)(&event), self.marks.late_before(stamp));
            if self.layer.sessions.is_over(at, ended) && self.is_late(at, ended, &key) {
                self.leave_out(at, event, ended);
                return;
            }
            let Self { layer, open, last, .. } = &mut *self;
            if let Some(of_key) = open.get_bucket_mut(*last)
                && of_key.key == key
                && let Some(session) = of_key.only_near(at, &layer.sessions)
            {
                session.extend(at);
                (layer.fold)(&mut session.value, event);
            } else if let Some(event) = self.extend(at, &key, event) {
                self.take_in(at, key, event);
                self.evict(sink);
            }
        });
    }

    fn finish<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        // `ends` has earlier times than the ends of most sessions; sorting all takes less than moving them in it.
        self.ends.clear();
        self.held = 0;
        let open = std::mem::take(&mut self.open);
        let mut all = Vec::with_capacity(open.len());
        for OfKey { key, mut sessions } in open {
            let last = sessions.pop();
            all.extend(sessions.into_iter().map(|open| (key.clone(), open)));
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
