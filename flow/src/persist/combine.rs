//! Events that are folded by key and window before they leave their part.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cut::{CutFlow, CutPart, Got, Steps};
use crate::error::FlowError;
use crate::refused::Refused;
use crate::source::More;
use crate::time::{Stamp, Stamped};
use crate::window::{OfEventTime, Spans, Window, WindowSpec};

/// The maximum number of events that are folded together.
const GROUP: usize = 4096;

/// The value of the events of one key and window that followed each other in a part: see [`CutFlow::combined`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combined<K, A> {
    /// The key.
    pub key: K,
    /// The value.
    pub value: A,
}

/// The fold of a part.
struct Rule<T, K, A> {
    window: WindowSpec,
    spans: Spans,
    key: KeyOf<T, K>,
    init: Init<A>,
    fold: FoldInto<A, T>,
}

type KeyOf<T, K> = Box<dyn Fn(&T) -> K + Send + Sync>;
type Init<A> = Box<dyn Fn() -> A + Send + Sync>;
type FoldInto<A, T> = Box<dyn Fn(&mut A, T) + Send + Sync>;

impl<T: Send + 'static> CutFlow<T> {
    /// Folds the events of each part before they leave it: at most 4096 at a time, by their windows and `key`, starting
    /// with `init()`.
    ///
    /// The values leave with stamps for which windows, lateness and counts of late events are those of the events. They
    /// are a function of the events and their order, like the events themselves: where a group ends depends on the number
    /// of its events and on the watermark, and on no clock. So a part that waits for its source keeps the events of the
    /// last group.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::persist::{Combined, Cut, Read};
    /// use flow::{Flow, Window};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// let times = Flow::from_items([1, 2, 3, 12, 13_i64]).event_time(|at| *at, Duration::MAX);
    /// let window = Window::fixed(Duration::from_millis(10));
    /// let counts = times.cut()?.combined(&window, |at| at % 2, || 0, |count: &mut u64, _| *count += 1)?;
    ///
    /// let (mut part, mut values) = (counts.open(0)?, Vec::new());
    /// while part.read(100, &mut values).await? != Read::End {}
    /// let values: Vec<_> = values.into_iter().map(|value| value.event).collect();
    /// let combined = |key, value| Combined { key, value };
    /// assert_eq!(values, [combined(0, 1), combined(1, 2), combined(0, 1), combined(1, 1)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the window has an invalid option or a trigger, or the source has [`idle_after`](crate::Flow::idle_after): the
    /// windows would not wait for the events that a part keeps.
    #[track_caller]
    pub fn combined<W: OfEventTime, K, A>(
        self,
        window: &Window<W>,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
        init: impl Fn() -> A + Send + Sync + 'static,
        fold: impl Fn(&mut A, T) + Send + Sync + 'static,
    ) -> Result<CutFlow<Combined<K, A>>, FlowError>
    where
        K: Ord + Clone + Send + 'static,
        A: Send + 'static,
    {
        let window = window.spec.clone();
        if let Some(refused) = &window.refused {
            return Err(refused.clone().into());
        }
        if let Some(events) = window.every {
            let allowed = "combined events are not counted: fold them by `reduce`";
            return Err(Refused::new("trigger_every", events, allowed).into());
        }
        if let Some(pause) = self.idle_after {
            let allowed =
                "combined events wait for those that follow: fold them by `reduce`, or leave it out";
            return Err(Refused::new("idle_after", pause, allowed).into());
        }
        let Some(spans) = window.spans() else {
            return Err(Refused::new("the window", window.kind, "fixed or sliding windows").into());
        };
        let (key, init, fold) = (Box::new(key), Box::new(init), Box::new(fold));
        let rule = Arc::new(Rule { window, spans, key, init, fold });
        let Self { parts, idle_after, open } = self;
        let open = move |part| {
            let steps = open(part)?.into_steps();
            Ok(CutPart::new(Box::new(Combining {
                steps,
                events: Vec::new(),
                group: Group::default(),
                rule: Arc::clone(&rule),
            })))
        };
        Ok(CutFlow { parts, idle_after, open: Arc::new(open) })
    }
}

/// A part whose events are folded.
struct Combining<T, K, A> {
    steps: Box<dyn Steps<T>>,
    /// Empty between two reads.
    events: Vec<Stamped<T>>,
    group: Group<K, A>,
    rule: Arc<Rule<T, K, A>>,
}

/// The events so far that are folded together: while the watermark passes them, no window ends.
struct Group<K, A> {
    /// The first and the last window of the events, the key, the time of one of the events, and the value.
    values: BTreeMap<(i64, i64, K), (i64, A)>,
    /// The number of events.
    len: usize,
    /// The stamp of the last event.
    stamp: Stamp,
    /// The first window that accepts events at the watermarks of the group.
    first_open: i64,
}

impl<K: Ord, A> Default for Group<K, A> {
    fn default() -> Self {
        let stamp = Stamp { at: i64::MIN, watermark: i64::MIN, reached: i64::MIN };
        Self { values: BTreeMap::new(), len: 0, stamp, first_open: i64::MIN }
    }
}

impl<K: Ord + Clone, A> Group<K, A> {
    fn add<T>(&mut self, rule: &Rule<T, K, A>, event: Stamped<T>, into: &mut Vec<Stamped<Combined<K, A>>>) {
        let Stamped { stamp, event } = event;
        self.pass(rule, stamp.watermark, into);
        let (windows, key) = (rule.spans.containing(stamp.at), (rule.key)(&event));
        // An event that is in no window, or late for all, is counted as one.
        if windows.is_empty() || *windows.end() < self.first_open {
            let mut value = (rule.init)();
            (rule.fold)(&mut value, event);
            into.push(Stamped { stamp, event: Combined { key, value } });
            return;
        }
        let place = (*windows.start(), *windows.end(), key);
        let (_, value) = self.values.entry(place).or_insert_with(|| (stamp.at, (rule.init)()));
        (rule.fold)(value, event);
        self.stamp = stamp;
        self.len += 1;
        if self.len == GROUP {
            self.leave(into);
        }
    }

    /// Notes a watermark. If a window ends, the group does, too.
    fn pass<T>(&mut self, rule: &Rule<T, K, A>, watermark: i64, into: &mut Vec<Stamped<Combined<K, A>>>) {
        let first_open = rule.window.first_open(rule.spans, watermark);
        if first_open > self.first_open {
            self.leave(into);
            self.first_open = first_open;
        }
    }

    fn leave(&mut self, into: &mut Vec<Stamped<Combined<K, A>>>) {
        let stamp = self.stamp;
        let values = std::mem::take(&mut self.values).into_iter();
        into.extend(values.map(|((_, _, key), (at, value))| Stamped {
            stamp: Stamp { at, ..stamp },
            event: Combined { key, value },
        }));
        self.len = 0;
    }
}

impl<T, K, A> Steps<Combined<K, A>> for Combining<T, K, A>
where
    T: Send + 'static,
    K: Ord + Clone + Send + 'static,
    A: Send + 'static,
{
    fn wake_by(&mut self, waker: &Waker) {
        self.steps.wake_by(waker);
    }

    fn read(&mut self, most: usize, into: &mut Vec<Stamped<Combined<K, A>>>) -> Got {
        let Self { steps, events, group, rule } = self;
        let got = steps.read(most, events);
        for event in events.drain(..) {
            group.add(rule, event, into);
        }
        // Events that the steps have dropped move the watermark, too.
        group.pass(rule, steps.reached().unwrap_or(i64::MIN), into);
        if matches!(got.more, Ok(More::No)) {
            group.leave(into);
        }
        got
    }

    fn patience(&self) -> Option<Duration> {
        None
    }

    fn idle(&mut self) {}

    fn end(&mut self) {
        self.steps.end();
    }

    fn reached(&self) -> Option<i64> {
        self.steps.reached()
    }
}

impl<T, K, A> fmt::Debug for Combining<T, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Combining").field("group", &self.group.len).finish_non_exhaustive()
    }
}
