//! The operator of sessions: assigns events to the sessions of their keys, and emits the sessions that have
//! ended.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Session, Sessions};
use crate::chain::Start;
use crate::error::FlowError;
use crate::flow::Flow;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Origin, Place, Staged};
use crate::reduce::Marks;
use crate::time::{Progress, Reached, Stamp, Stamped, Timed};
use crate::window::{Late, TakesLate};

/// A layer that finds sessions.
pub struct SessionLayer<T, F, I, G, H> {
    sessions: Sessions,
    key: Arc<F>,
    init: Arc<I>,
    fold: Arc<G>,
    merge: Arc<H>,
    late: Option<TakesLate<T>>,
    /// Whether the flow has a window or a trigger, which sessions do not support.
    windowed: bool,
    options: LayerOptions,
    takes: PhantomData<fn(T)>,
}

/// The open sessions of one stage.
pub struct SessionOperator<T, Q, A, F, I, G, H> {
    layer: SessionLayer<T, F, I, G, H>,
    /// By key; each list is sorted by time.
    open: FxHashMap<Q, Vec<Open<A>>>,
    /// A time for each session, which is not after its last event: an event that extends a session leaves it
    /// where it is, and the next look at the session moves it.
    ends: BTreeSet<(i64, u64)>,
    /// The key of each number in `ends`.
    keys: FxHashMap<u64, Q>,
    next: u64,
    marks: Marks,
}

struct Open<A> {
    start: i64,
    end: i64,
    value: A,
    number: u64,
    /// The time in `ends`.
    noted: i64,
}

impl<A> Open<A> {
    /// Returns whether an event that happened at `at` belongs to the session.
    fn is_near(&self, at: i64, sessions: &Sessions) -> bool {
        let (at, gap) = (i128::from(at), sessions.gap);
        at >= i128::from(self.start) - gap && at <= i128::from(self.end) + gap
    }
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
            ends: BTreeSet::new(),
            keys: FxHashMap::default(),
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
    /// Adds an event to its session; this may merge sessions that were separate.
    fn take_in(&mut self, at: i64, event: T) {
        let key = (self.layer.key)(&event);
        let sessions = &self.layer.sessions;
        let list = self.open.entry(key.clone()).or_default();
        let near = |open: &Open<A>| open.is_near(at, sessions);
        let first = list.iter().position(near);
        let place = first.unwrap_or_else(|| {
            let place = list.partition_point(|open| open.end < at);
            let number = self.next;
            self.next += 1;
            let value = (self.layer.init)();
            list.insert(place, Open { start: at, end: at, value, number, noted: at });
            self.keys.insert(number, key.clone());
            self.ends.insert((at, number));
            place
        });
        // An event can also reach the next session, but no session after that.
        if first.is_some() && list.get(place + 1).is_some_and(near) {
            let other = list.remove(place + 1);
            self.ends.remove(&(other.noted, other.number));
            self.keys.remove(&other.number);
            let open = &mut list[place];
            open.end = open.end.max(other.end);
            (self.layer.merge)(&mut open.value, other.value);
        }
        let open = &mut list[place];
        (open.start, open.end) = (open.start.min(at), open.end.max(at));
        (self.layer.fold)(&mut open.value, event);
    }

    /// Emits the sessions that the watermark has passed.
    fn pass_watermark<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        let Some(watermark) = self.marks.watermark() else { return };
        while let Some(number) = self.first_over(Some(watermark)) {
            self.hand_out(number, sink);
        }
    }

    /// Returns the watermark if the event is late: a session of the event alone would have ended by the watermark of
    /// its source or of the stage, and no open session takes it.
    fn late_by(&self, stamp: Stamp, event: &T) -> Option<i64> {
        let (sessions, ended) = (&self.layer.sessions, stamp.watermark.max(self.marks.reached()));
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
        while self.ends.len() > most
            && let Some(number) = self.first_over(None)
        {
            self.layer.sessions.evicted.add(1);
            self.hand_out(number, sink);
        }
    }

    /// Returns the session that ends first, if it is over by the watermark; without one, in any case.
    fn first_over(&mut self, watermark: Option<i64>) -> Option<u64> {
        while let Some(&(noted, number)) = self.ends.first()
            && watermark.is_none_or(|watermark| self.layer.sessions.is_over(noted, watermark))
        {
            if !self.moves(noted, number) {
                return Some(number);
            }
        }
        None
    }

    /// Moves the first of `ends` to the last event of its session; returns whether it was not there.
    fn moves(&mut self, noted: i64, number: u64) -> bool {
        let of_its_key = self.keys.get(&number).and_then(|key| self.open.get_mut(key));
        let open = of_its_key.and_then(|list| list.iter_mut().find(|open| open.number == number));
        let Some(open) = open.filter(|open| open.end > noted) else { return false };
        open.noted = open.end;
        self.ends.pop_first();
        self.ends.insert((open.end, number));
        true
    }

    /// Emits the session with this number, which is the next to end.
    fn hand_out<K: FnMut(Session<Q, A>)>(&mut self, number: u64, sink: &mut K) {
        self.ends.pop_first();
        let Some(key) = self.keys.remove(&number) else { return };
        let Some(list) = self.open.get_mut(&key) else { return };
        let Some(place) = list.iter().position(|open| open.number == number) else { return };
        let Open { start, end, value, .. } = list.remove(place);
        if list.is_empty() {
            self.open.remove(&key);
        }
        sink(Session { key, start, end, value });
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
        events: impl Iterator<Item = Stamped<T>>,
        sink: &mut K,
    ) {
        for Stamped { stamp, event } in events {
            if self.marks.note(edge, stamp.reached) {
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
            self.take_in(stamp.at, event);
            self.evict(sink);
        }
    }

    fn finish<K: FnMut(Session<Q, A>)>(&mut self, sink: &mut K) {
        while let Some(number) = self.first_over(None) {
            self.hand_out(number, sink);
        }
    }
}

/// A flow of sessions.
pub type SessionFlow<O, T, F, I, G, H> = Flow<Start<Staged<O, SessionLayer<T, F, I, G, H>>>>;

impl<O: Origin<Time = Timed>> Flow<Start<O>> {
    /// Finds the sessions of each key in this stage, and folds the events of each into a value; `merge`
    /// merges the values of two sessions that an event joins. A session is emitted when the watermark shows
    /// that it has ended, or at the end of the input, in the order of their ends. Partition by the same key
    /// first.
    ///
    /// An event behind the watermark is accepted if an open session of its key is within the gap. It is late
    /// if there is none and a session of the event alone would have ended; [`late`](Flow::late) gets the late
    /// events. A flow with a window or a trigger before the sessions does not start.
    ///
    /// ```
    /// use std::time::Duration;
    /// use flow::Sessions;
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), flow::FlowError> {
    /// let seconds = |at: &i64| at * 1000;
    /// let visits = Flow::from_items([1, 2, 3, 60, 61]).event_time(seconds, Duration::MAX).stages(1);
    /// let gap = Sessions::new(Duration::from_secs(10));
    /// let lengths = visits
    ///     .sessions(gap, |_| "visitor", || 0, |count, _| *count += 1, |count, other| *count += other)
    ///     .map(|session| ((session.end - session.start) / 1000, session.value));
    /// assert_eq!(lengths.collect::<Vec<_>>().await?, [(2, 3), (1, 2)]);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::type_complexity, reason = "a flow names its functions")]
    pub fn sessions<Q, A, F, I, G, H>(
        self,
        sessions: Sessions,
        key: F,
        init: I,
        fold: G,
        merge: H,
    ) -> SessionFlow<O, O::Item, F, I, G, H>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        A: Send + 'static,
        F: Fn(&O::Item) -> Q + Send + Sync + 'static,
        I: Fn() -> A + Send + Sync + 'static,
        G: Fn(&mut A, O::Item) + Send + Sync + 'static,
        H: Fn(&mut A, A) + Send + Sync + 'static,
    {
        let windowed = self.is_windowed();
        let Self { chain: Start { origin }, mut options, late, .. } = self;
        options.refuse(sessions.refused.clone());
        let first = SessionLayer {
            windowed,
            sessions,
            key: Arc::new(key),
            init: Arc::new(init),
            fold: Arc::new(fold),
            merge: Arc::new(merge),
            late,
            options: LayerOptions::default(),
            takes: PhantomData,
        };
        let mut flow = Flow::at(Staged { origin, first, what: "sessions" });
        flow.options = options;
        flow
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_event_between_two_sessions_joins_them() {
        let layer = SessionLayer {
            sessions: Sessions::new(Duration::from_millis(10)),
            key: Arc::new(|_: &i64| 0),
            init: Arc::new(Vec::new),
            fold: Arc::new(Vec::push),
            merge: Arc::new(|all: &mut Vec<i64>, other| all.extend(other)),
            late: None,
            windowed: false,
            options: LayerOptions::default(),
            takes: PhantomData,
        };
        let mut operator = layer.operator(Place { index: 0, of: 1 });
        for at in [100, 118, 50, 109] {
            operator.take_in(at, at);
        }
        let mut all = Vec::new();
        operator.finish(&mut |session| all.push((session.start, session.end, session.value)));
        assert_eq!(all, [(50, 50, vec![50]), (100, 118, vec![100, 118, 109])]);
        assert!(operator.open.is_empty() && operator.keys.is_empty());
    }
}
