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
        let hash = hash_of(&key);
        let Ok(known) = self.open.find_entry(hash, |open| open.key == key) else {
            self.begin(hash, key, event);
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
    fn begin(&mut self, hash: u64, key: Q, event: T) {
        let (mut value, number) = ((self.layer.init)(), self.next);
        self.next += 1;
        let deadline = (self.layer.fold)(&mut value, event);
        self.earliest = self.earliest.min(deadline);
        self.due.add(deadline, number, key.clone());
        let open = Open { key, value, number, deadline, expected: deadline };
        self.open.insert_unique(hash, open, |open| hash_of(&open.key));
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
mod tests;
