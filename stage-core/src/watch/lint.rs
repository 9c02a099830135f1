//! Unfavourable structures and options that the numbers of a pipeline show.

use std::fmt;
use std::time::Duration;

/// An unfavourable structure or option that the numbers of a pipeline show, found by
/// [`Activity::lints`](super::Activity::lints). Its `Display` is a sentence with the figures and a remedy.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Lint {
    /// A callback occupies a thread of the runtime without a pause.
    Blocks {
        /// The step.
        step: String,
        /// The index of the copy.
        copy: usize,
        /// The time for which the callback has run without a pause.
        time: Duration,
    },
    /// Events travel one by one although the window allows batches.
    Chatty {
        /// The step that emits.
        from: String,
        /// The step that takes.
        to: String,
        /// The mean number of events in a batch.
        batch: f64,
        /// Events per second.
        rate: f64,
    },
    /// The events that a step has taken in use up its window, so it takes no more although it is not busy.
    SmallWindow {
        /// The step.
        step: String,
        /// The `max_demand` of all its links together.
        room: u64,
    },
    /// Two steps wait for each other in turn, because the window between them is smaller than the product of the
    /// rate that both can keep and the time that an event is in flight.
    ShortWindow {
        /// The step that emits.
        from: String,
        /// The step that takes.
        to: String,
        /// The `max_demand` of one link.
        window: u64,
        /// The window from which neither of the two has to wait, as an estimate.
        needed: u64,
    },
    /// A source was restarted, and usually begins with its first events again.
    StartsOver {
        /// The step.
        step: String,
        /// The number of restarts.
        restarts: u64,
    },
    /// One copy of a step has much more to do than the others.
    Skew {
        /// The step.
        step: String,
        /// The number of its copies.
        copies: usize,
        /// The events of the busiest copy, as a multiple of the mean.
        skew: f64,
    },
    /// A step asks for one event at a time, because its `min_demand` is `max_demand − 1`.
    NarrowWindow {
        /// The step.
        step: String,
        /// Events per second.
        rate: f64,
    },
    /// A step has events, and no subscriber.
    NoConsumer {
        /// The step.
        step: String,
    },
    /// Events were discarded because a buffer was full.
    Overflow {
        /// The step.
        step: String,
        /// Events discarded.
        events: u64,
    },
    /// Events were discarded because no subscriber accepts them.
    Unroutable {
        /// The step.
        step: String,
        /// Events discarded.
        events: u64,
    },
}

impl Lint {
    /// Returns the step that the lint is about; for a link, the one that takes.
    #[inline]
    pub fn step(&self) -> &str {
        match self {
            Self::Blocks { step, .. }
            | Self::Chatty { to: step, .. }
            | Self::ShortWindow { to: step, .. }
            | Self::StartsOver { step, .. }
            | Self::SmallWindow { step, .. }
            | Self::Skew { step, .. }
            | Self::NarrowWindow { step, .. }
            | Self::NoConsumer { step }
            | Self::Overflow { step, .. }
            | Self::Unroutable { step, .. } => step,
        }
    }

    /// Returns whether both are the same finding, whatever their figures.
    #[inline]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.step() == other.step()
    }
}

impl fmt::Display for Lint {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocks { step, copy, time } => write!(
                f,
                "a callback of `{step}/{copy}` has run for {:.3} s without a pause, and occupies a thread of the \
                 runtime: `placement: blocking` or `placement: rayon` gives it a thread of its own",
                time.as_secs_f64()
            ),
            Self::Chatty { from, to, batch, rate } => write!(
                f,
                "`{to}` gets {rate:.0} events a second from `{from}` in batches of {batch:.1}: a source that emits \
                 several events in one callback costs less"
            ),
            Self::SmallWindow { step, room } => write!(
                f,
                "`{step}` has taken in all {room} events that its window allows, and its producers are held up: a \
                 larger `max_demand` lets it handle more at a time"
            ),
            Self::ShortWindow { from, to, window, needed } => write!(
                f,
                "`{from}` waits for demand from `{to}` and `{to}` for its events, in turn: the window of {window} events \
                 is smaller than the rate of the two times the time that an event is in flight; a `max_demand` of \
                 {needed} lets both go on"
            ),
            Self::StartsOver { step, restarts } => write!(
                f,
                "`{step}` was restarted {} with a new iterator: unless its recipe goes on where the last one ended, its \
                 first events are handled again",
                if *restarts == 1 { "once".to_owned() } else { format!("{restarts} times") }
            ),
            Self::Skew { step, copies, skew } => write!(
                f,
                "one of the {copies} copies of `{step}` has {skew:.1} times as many events as the mean: a key that \
                 spreads the events more evenly helps"
            ),
            Self::NarrowWindow { step, rate } => write!(
                f,
                "`{step}` asks for one event at a time and gets {rate:.0} a second: a smaller `min_demand` allows \
                 batches"
            ),
            Self::NoConsumer { step } => {
                write!(f, "`{step}` has events, and no consumer asks for them")
            }
            Self::Overflow { step, events } => write!(
                f,
                "`{step}` discarded {events} events because its buffer was full: a larger `buffer`, or a source that \
                 emits only on demand, helps"
            ),
            Self::Unroutable { step, events } => write!(
                f,
                "`{step}` discarded {events} events that no subscriber accepts: a partition or a selector for them is \
                 missing"
            ),
        }
    }
}
