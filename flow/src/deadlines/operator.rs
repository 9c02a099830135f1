//! The operator of deadlines: folds events into the values of their keys, and emits those that have ended.
//!
//! A key is expected at a time that is no later than its deadline. A deadline that moves later leaves the expectation
//! where it is, so a deadline that follows every event costs nothing until it may have come.

use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::error::FlowError;
use crate::options::LayerOptions;
use crate::plan::{Feeds, Layer, Operator, Place};
use crate::reduce::Marks;
use crate::stats::Tally;
use crate::time::{Agenda, Progress, Reached, Stamp, Stamped};

/// A layer of values with deadlines.
pub struct DeadlineLayer<T, F, I, G> {
    pub(super) key: Arc<F>,
    pub(super) init: Arc<I>,
    pub(super) fold: Arc<G>,
    /// The maximum number of values in a stage.
    pub(super) most: usize,
    pub(super) evicted: Tally,
    /// Whether the flow has a window or a trigger, which deadlines do not support.
    pub(super) windowed: bool,
    pub(super) options: LayerOptions,
    pub(super) takes: PhantomData<fn(T)>,
}

/// The values of one stage that wait for their deadlines.
pub struct DeadlineOperator<T, Q, A, F, I, G> {
    layer: DeadlineLayer<T, F, I, G>,
    open: HashTable<Open<Q, A>>,
    /// The keys, by the times at which they are expected and their numbers.
    due: Agenda<Q>,
    /// A time that is not after the first of `due`.
    earliest: i64,
    /// The number of the next entry of `due`.
    next: u64,
    marks: Marks,
    /// The progress that the emitted values have so far.
    told: i64,
}

/// A value that waits for its deadline.
struct Open<Q, A> {
    key: Q,
    value: A,
    /// The number of its entry in `due`.
    number: u64,
    deadline: i64,
    /// The time at which it is in `due`.
    expected: i64,
}

impl<T, F, I, G> Clone for DeadlineLayer<T, F, I, G> {
    fn clone(&self) -> Self {
        Self {
            key: Arc::clone(&self.key),
            init: Arc::clone(&self.init),
            fold: Arc::clone(&self.fold),
            most: self.most,
            evicted: self.evicted.clone(),
            windowed: self.windowed,
            options: self.options.clone(),
            takes: PhantomData,
        }
    }
}

impl<T, F, I, G> fmt::Debug for DeadlineLayer<T, F, I, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineLayer").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T, Q, A, F, I, G> fmt::Debug for DeadlineOperator<T, Q, A, F, I, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineOperator").field("keys", &self.open.len()).finish_non_exhaustive()
    }
}

impl<T, Q, A, F, I, G> Layer for DeadlineLayer<T, F, I, G>
where
    T: Send + 'static,
    Q: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    G: Fn(&mut A, T) -> i64 + Send + Sync + 'static,
{
    type In = Stamped<T>;
    type Out = Stamped<(Q, A)>;
    type Operator = DeadlineOperator<T, Q, A, F, I, G>;

    fn operator(&self, _place: Place) -> Self::Operator {
        DeadlineOperator {
            layer: self.clone(),
            open: HashTable::new(),
            due: Agenda::new(),
            earliest: i64::MAX,
            next: 0,
            marks: Marks::new(),
            told: i64::MIN,
        }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        self.options.name.as_ref().map_or_else(|| "deadlines".to_owned(), ToString::to_string)
    }

    fn check(&self) -> Result<(), FlowError> {
        if self.windowed { Err(FlowError::Window { layer: self.name() }) } else { Ok(()) }
    }
}

impl<T, Q, A, F, I, G> DeadlineOperator<T, Q, A, F, I, G>
where
    Q: Clone + Eq + Hash,
    F: Fn(&T) -> Q,
    I: Fn() -> A,
    G: Fn(&mut A, T) -> i64,
{
    /// Folds an event into the value of its key.
    #[inline]
    fn take_in(&mut self, event: T) {
        let key = (self.layer.key)(&event);
        // Most keys are known: space for a new one is reserved only if it is needed.
        let Ok(known) = self.open.find_entry(hash_of(&key), |open| open.key == key) else {
            self.begin(key, event);
            return;
        };
        let open = known.into_mut();
        open.deadline = (self.layer.fold)(&mut open.value, event);
        if open.deadline < open.expected {
            // By its new number, the entry of the later time stays outdated, even if the deadline moves back to that time.
            (open.expected, open.number) = (open.deadline, self.next);
            self.next += 1;
            self.earliest = self.earliest.min(open.expected);
            self.due.add(open.expected, open.number, key);
            self.tidy();
        }
    }

    /// Removes the outdated entries of `due` if they are too many.
    fn tidy(&mut self) {
        let Self { open, due, .. } = self;
        due.tidy(open.len(), |entry| {
            open.find(hash_of(&entry.key), |open| open.number == entry.number).is_some()
        });
    }

    /// Begins the value of a key with its first event.
    fn begin(&mut self, key: Q, event: T) {
        let (mut value, number) = ((self.layer.init)(), self.next);
        self.next += 1;
        let deadline = (self.layer.fold)(&mut value, event);
        self.earliest = self.earliest.min(deadline);
        self.due.add(deadline, number, key.clone());
        let open = Open { key, value, number, deadline, expected: deadline };
        self.open.insert_unique(hash_of(&open.key), open, |open| hash_of(&open.key));
    }

    /// Removes the value whose deadline comes first, if it comes at or before `time`; returns the deadline, too.
    fn take_due(&mut self, time: i64) -> Option<(i64, (Q, A))> {
        while let Some(mut first) = self.due.first().filter(|first| first.at <= time) {
            let (hash, number) = (hash_of(&first.key), first.number);
            match self.open.find_entry(hash, |open| open.number == number) {
                Ok(known) if known.get().deadline > first.at => {
                    let open = known.into_mut();
                    open.expected = open.deadline;
                    first.at = open.deadline;
                }
                Ok(known) => {
                    let (Open { key, value, deadline, .. }, _) = known.remove();
                    PeekMut::pop(first);
                    return Some((deadline, (key, value)));
                }
                // The deadline has moved to an earlier time, at which the value was emitted or is expected.
                Err(_) => drop(PeekMut::pop(first)),
            }
        }
        self.tidy();
        self.earliest = self.due.earliest();
        None
    }

    /// Emits the values whose deadline is at or before `time`, in the order of their deadlines.
    fn emit_by<K: FnMut(Stamped<(Q, A)>)>(&mut self, time: i64, sink: &mut K) {
        while let Some((at, event)) = self.take_due(time) {
            self.told = self.told.max(at);
            sink(self.stamped(at, event));
        }
    }

    fn stamped(&self, at: i64, event: (Q, A)) -> Stamped<(Q, A)> {
        Stamped { stamp: Stamp { at, watermark: self.told, reached: self.told }, event }
    }

    /// Emits the values whose deadlines come first, if there are too many. The progress stays: later values may have
    /// earlier deadlines.
    #[cold]
    fn evict<K: FnMut(Stamped<(Q, A)>)>(&mut self, sink: &mut K) {
        while self.open.len() > self.layer.most
            && let Some((at, event)) = self.take_due(i64::MAX)
        {
            self.layer.evicted.add(1);
            sink(self.stamped(at, event));
        }
    }

    /// Emits the values whose deadline the watermark has reached.
    #[inline]
    fn pass<K: FnMut(Stamped<(Q, A)>)>(&mut self, sink: &mut K) {
        let Some(watermark) = self.marks.watermark() else { return };
        if self.earliest <= watermark {
            self.emit_by(watermark, sink);
        }
        self.told = self.told.max(watermark);
    }
}

fn hash_of<Q: Hash>(key: &Q) -> u64 {
    FxBuildHasher.hash_one(key)
}

impl<T, Q, A, F, I, G> Operator for DeadlineOperator<T, Q, A, F, I, G>
where
    T: Send + 'static,
    Q: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
    F: Fn(&T) -> Q + Send + Sync + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    G: Fn(&mut A, T) -> i64 + Send + Sync + 'static,
{
    type In = Stamped<T>;
    type Out = Stamped<(Q, A)>;

    fn fed_by(&mut self, feeds: Feeds) {
        self.marks.fed_by(feeds);
    }

    fn reached(&self) -> Option<Reached> {
        self.marks.seen()
    }

    fn progress(&self) -> Option<Progress> {
        self.marks.progress()
    }

    fn hear<K: FnMut(Self::Out)>(&mut self, edge: usize, progress: Progress, sink: &mut K) {
        if self.marks.told(edge, progress) {
            self.pass(sink);
        }
    }

    fn edge_ended<K: FnMut(Self::Out)>(&mut self, edge: usize, sink: &mut K) {
        self.marks.ended(edge);
        self.pass(sink);
    }

    fn batch<K: FnMut(Self::Out)>(
        &mut self,
        edge: usize,
        events: impl Iterator<Item = Self::In>,
        sink: &mut K,
    ) {
        events.for_each(|Stamped { stamp, event }| {
            if self.marks.note(edge, stamp.reached) {
                self.pass(sink);
            }
            self.take_in(event);
            if self.open.len() > self.layer.most {
                self.evict(sink);
            }
        });
        // A late event may have set a deadline that has passed.
        self.pass(sink);
    }

    fn finish<K: FnMut(Self::Out)>(&mut self, sink: &mut K) {
        self.emit_by(i64::MAX, sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadline behind all events.
    const FAR: i64 = 1_000_000;

    /// An event of a key with the deadline that it sets, at a time.
    fn event(at: i64, key: u8, deadline: i64) -> Stamped<(u8, i64)> {
        Stamped { stamp: Stamp { at, watermark: at, reached: at }, event: (key, deadline) }
    }

    /// Returns the deadline, key and number of events of each emitted value.
    fn emitted(events: impl IntoIterator<Item = Stamped<(u8, i64)>>) -> Vec<(i64, u8, u32)> {
        emitted_by_most(usize::MAX, &Tally::new(), events)
    }

    /// Counts the events of each key; the latest one sets the deadline.
    fn counting(
        most: usize,
        evicted: &Tally,
    ) -> impl Operator<In = Stamped<(u8, i64)>, Out = Stamped<(u8, u32)>> + Kept {
        let layer = DeadlineLayer {
            key: Arc::new(|(key, _): &(u8, i64)| *key),
            init: Arc::new(|| 0_u32),
            fold: Arc::new(|count: &mut u32, (_, deadline): (u8, i64)| {
                *count += 1;
                deadline
            }),
            most,
            evicted: evicted.clone(),
            windowed: false,
            options: LayerOptions::default(),
            takes: PhantomData,
        };
        layer.operator(Place { index: 0, of: 1 })
    }

    /// The keys and entries that an operator keeps.
    trait Kept {
        /// Returns the number of open values, and the entries in the order of their numbers.
        fn kept(&self) -> (usize, Vec<u64>);
    }

    impl<F, I, G> Kept for DeadlineOperator<(u8, i64), u8, u32, F, I, G> {
        fn kept(&self) -> (usize, Vec<u64>) {
            let mut numbers: Vec<_> = self.due.iter().map(|entry| entry.number).collect();
            numbers.sort_unstable();
            (self.open.len(), numbers)
        }
    }

    fn emitted_by_most(
        most: usize,
        evicted: &Tally,
        events: impl IntoIterator<Item = Stamped<(u8, i64)>>,
    ) -> Vec<(i64, u8, u32)> {
        let mut operator = counting(most, evicted);
        let (mut all, mut told) = (Vec::new(), i64::MIN);
        let mut take = |Stamped { stamp, event: (key, count) }: Stamped<(u8, u32)>| {
            assert!(stamp.reached >= told && stamp.watermark == stamp.reached);
            told = stamp.reached;
            all.push((stamp.at, key, count));
        };
        for event in events {
            operator.batch(0, std::iter::once(event), &mut take);
            let (open, entries) = operator.kept();
            assert!(open <= most && (open..=2 * open + 64).contains(&entries.len()), "{open}, {entries:?}");
            assert!(entries.is_sorted_by(|one, next| one < next), "{entries:?}");
        }
        operator.finish(&mut take);
        assert_eq!(operator.kept().0, 0);
        all
    }

    #[test]
    fn a_deadline_that_moves_counts_where_it_was_last() {
        // The deadline of 1 moves later twice, that of 2 earlier.
        let events = [event(0, 1, 10), event(1, 2, 40), event(9, 1, 20), event(11, 1, 30), event(12, 2, 25)];
        assert_eq!(emitted(events), [(25, 2, 2), (30, 1, 3)]);
    }

    #[test]
    fn a_deadline_in_the_past_is_emitted_at_once_and_starts_anew() {
        let events = [event(100, 1, 50), event(100, 1, 60), event(101, 1, 200)];
        assert_eq!(emitted(events), [(50, 1, 1), (60, 1, 1), (200, 1, 1)]);
    }

    #[test]
    fn the_value_that_ends_first_is_emitted_before_its_deadline_if_there_are_too_many() {
        let evicted = Tally::new();
        // The deadline of 1 moves later, so 2 is the first to end; a second value of 2 is again the first.
        let events = [event(0, 1, 10), event(1, 2, 40), event(2, 1, 50), event(3, 3, 60), event(4, 2, 41)];
        let all = emitted_by_most(2, &evicted, events);
        assert_eq!((all, evicted.get()), (vec![(40, 2, 1), (41, 2, 1), (50, 1, 2), (60, 3, 1)], 2));
    }

    #[test]
    fn a_deadline_that_moves_to_and_fro_leaves_no_more_entries_than_values() {
        // All keys wait for a far time; one at a time is expected soon, and then far away again.
        let mut now = 0;
        let mut events: Vec<_> = (0..200).map(|key| event(now, key, FAR)).collect();
        for _ in 0..5 {
            for key in 0..200 {
                now += 10;
                events.extend([event(now, key, now + 5), event(now, key, FAR)]);
            }
        }
        let all = emitted(events);
        assert!(all.iter().all(|(at, _, count)| (*at, *count) == (FAR, 11)) && all.len() == 200, "{all:?}");
    }

    #[test]
    fn values_that_ended_early_leave_few_entries() {
        let mut operator = counting(usize::MAX, &Tally::new());
        let mut all = 0;
        let mut take = |_| all += 1;
        for deadline in [FAR, 5] {
            for key in 0..200 {
                operator.batch(0, std::iter::once(event(0, key, deadline)), &mut take);
            }
        }
        operator.batch(0, std::iter::once(event(10, 0, 20)), &mut take);
        let (open, entries) = operator.kept();
        assert!(all == 200 && open == 1 && entries.len() <= 66, "{open}, {}", entries.len());
    }

    proptest::proptest! {
        #[test]
        fn every_event_is_in_one_value_and_values_end_in_order(
            steps in proptest::collection::vec(
                (0..5_i64, 0..4_u8, proptest::option::weighted(0.7, 1..30_i64)),
                0..300,
            ),
        ) {
            let mut now = 0;
            let mut events = Vec::new();
            for (step, key, open) in steps {
                now += step;
                events.push(event(now, key, open.map_or(FAR, |open| now + open)));
            }
            let count = u32::try_from(events.len()).unwrap();
            let all = emitted(events);
            proptest::prop_assert!(all.is_sorted_by_key(|(at, ..)| *at), "{:?}", all);
            proptest::prop_assert_eq!(all.iter().map(|(.., events)| events).sum::<u32>(), count);
        }
    }
}
