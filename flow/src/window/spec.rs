//! How a layer's events are split into windows, and when each is handed out.

use std::marker::PhantomData;
use std::time::Duration;

use crate::stats::Tally;
use crate::time::{Time, Timed};

/// Works for every flow.
#[derive(Clone, Copy, Debug)]
pub struct AnyTime;
/// Works for flows whose events carry their time.
#[derive(Clone, Copy, Debug)]
pub struct EventTime;

/// Which flows a window works for.
#[diagnostic::on_unimplemented(
    message = "this window goes by the time of events, and these events carry none",
    note = "say when each event happened, right after the source: `.event_time(|event| …)`"
)]
pub trait FitsTime<M: Time> {}

impl<M: Time> FitsTime<M> for AnyTime {}
impl FitsTime<Timed> for EventTime {}

/// How a layer's events are split, and when what became of each part is handed out.
///
/// A window sees the events as they arrive at its layer, before any step of it. It is of one stage: the
/// windows of the stages of a layer are independent of each other.
#[derive(Clone, Debug)]
pub struct Window<K = AnyTime> {
    pub(crate) spec: WindowSpec,
    kind: PhantomData<fn(K)>,
}

/// The same without its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowSpec {
    pub(crate) kind: Kind,
    pub(crate) every: Option<usize>,
    pub(crate) periodically: Vec<Duration>,
    /// In milliseconds of event time.
    pub(crate) lateness: i64,
    pub(crate) late: Tally,
    pub(crate) emit_empty: bool,
}

impl WindowSpec {
    /// Whether it is the one window that a layer has if nothing is said.
    pub(crate) fn is_plain(&self) -> bool {
        self.kind == Kind::Global && self.every.is_none() && self.periodically.is_empty()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Global,
    Count(usize),
    Periodic(Duration),
    /// Spans of so many milliseconds.
    Fixed(i64),
    /// Spans of so many milliseconds, one beginning every so many.
    Sliding(i64, i64),
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}

impl<K> Window<K> {
    fn of(kind: Kind) -> Self {
        Self { spec: WindowSpec { kind, ..WindowSpec::default() }, kind: PhantomData }
    }

    /// Also hands out after every `events` events of the window; at least 1.
    pub fn trigger_every(mut self, events: usize) -> Self {
        self.spec.every = Some(events.max(1));
        self
    }

    /// Also hands out whenever so much time has passed. May be said several times.
    pub fn trigger_periodically(mut self, period: Duration) -> Self {
        self.spec.periodically.push(period.max(Duration::from_millis(1)));
        self
    }
}

impl Window {
    /// One window for everything: it ends with the input.
    pub fn global() -> Self {
        Self::of(Kind::Global)
    }

    /// Windows of `events` events each, at least 1. The last is handed out at the end of the input, also
    /// if it is empty.
    pub fn count(events: usize) -> Self {
        Self::of(Kind::Count(events.max(1)))
    }

    /// Windows of so much time by the clock, at least a millisecond.
    pub fn periodic(period: Duration) -> Self {
        Self::of(Kind::Periodic(period.max(Duration::from_millis(1))))
    }
}

impl Window<EventTime> {
    /// Windows of so much event time, side by side, at least a millisecond: window `n` begins at
    /// `n × duration`, also for times before 0.
    pub fn fixed(duration: Duration) -> Self {
        Self::of(Kind::Fixed(millis(duration)))
    }

    /// Windows of so much event time, one beginning every `step`: an event belongs to all that contain it.
    pub fn sliding(duration: Duration, step: Duration) -> Self {
        let (span, step) = (millis(duration), millis(step));
        Self::of(Kind::Sliding(span, step.min(span)))
    }

    /// Takes events that come up to so much event time after their window was passed by the watermark of
    /// their source: the window is handed out when the watermark passes it, and again at its end.
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        self.spec.lateness = millis(lateness);
        self
    }

    /// Counts the events that come too late for their window.
    pub fn count_late(mut self, late: &Tally) -> Self {
        self.spec.late = late.clone();
        self
    }

    /// Also hands out windows without events, between the first and the last that have some.
    pub fn emit_empty(mut self) -> Self {
        self.spec.emit_empty = true;
        self
    }
}
