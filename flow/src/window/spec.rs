//! Window options: how a layer's events are split into windows, and when each window is emitted.

use std::marker::PhantomData;
use std::time::Duration;

use super::Spans;
use crate::refused::Refused;
use crate::stats::Tally;
use crate::time::{Time, Timed};

/// Kind of the windows that need no event time.
#[derive(Clone, Copy, Debug)]
pub struct AnyTime;
/// Kind of the fixed windows of event time.
#[derive(Clone, Copy, Debug)]
pub struct EventTime;
/// Kind of the windows of event time that overlap or leave gaps.
#[derive(Clone, Copy, Debug)]
pub struct Sliding;

/// The kinds of windows that [`Flow::window`](crate::Flow::window) accepts for a flow with time `M`.
#[diagnostic::on_unimplemented(
    message = "this window cannot split the events of this flow",
    note = "a window of event time needs `.event_time(|event| …, most_ahead)` right after the source",
    note = "a sliding window clones events: pass it to `.sliding_window(…)`"
)]
pub trait FitsTime<M: Time> {}

impl<M: Time> FitsTime<M> for AnyTime {}
impl FitsTime<Timed> for EventTime {}

/// The kinds of windows of event time.
#[diagnostic::on_unimplemented(
    message = "this is not a window of event time",
    note = "pass it to `.window(…)`"
)]
pub trait OfEventTime: sealed::Sealed {}

impl OfEventTime for EventTime {}
impl OfEventTime for Sliding {}

/// The kinds of windows that a join accepts: each event is in exactly one window.
#[diagnostic::on_unimplemented(
    message = "a join accepts fixed windows only",
    note = "in windows that overlap, two events would meet several times: use `Window::fixed(…)`"
)]
pub trait SideBySide: OfEventTime {}

impl SideBySide for EventTime {}

/// Splits the events of a layer into parts, and determines when the result of each part is emitted.
///
/// A window contains events as they arrive at its layer, before any step of the layer. The windows of each
/// stage of a layer are independent of those of the other stages.
///
/// ```
/// use std::time::Duration;
///
/// use flow::{Flow, Window};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let numbers = Flow::from_items(1..=5_u64).stages(1);
/// let sums = |window| numbers.clone().window(window).reduce(|| 0, |sum, number| *sum += number);
/// assert_eq!(sums(Window::count(2)).emit_state().collect::<Vec<_>>().await?, [3, 7, 5]);
/// assert_eq!(sums(Window::periodic(Duration::MAX)).emit_state().collect::<Vec<_>>().await?, [15]);
/// let often = Window::global().trigger_every(2).trigger_periodically(Duration::MAX);
/// // A fresh value after each trigger.
/// let parts = sums(often).on_trigger(|sum, _| ([sum], 0));
/// assert_eq!(parts.collect::<Vec<_>>().await?, [3, 7, 5]);
/// # Ok(())
/// # }
/// ```
///
/// Windows of event time:
///
/// ```
/// use std::time::Duration;
///
/// use flow::{EventTime, Flow, Sliding, Tally, Window, WindowId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let (late, outside) = (Tally::new(), Tally::new());
/// let second = Duration::from_secs(1);
/// let fixed: Window<EventTime> =
///     Window::fixed(second).allowed_lateness(Duration::ZERO).count_late(&late).emit_empty();
/// let counts = Flow::from_items([0_i64, 500, 2_500, 999])
///     .event_time(|at| *at, Duration::MAX)
///     .stages(1)
///     .window(fixed)
///     .reduce(|| 0, |count, _| *count += 1)
///     .on_trigger(|count, trigger| ([(trigger.window, count)], count));
/// let expected = [(WindowId::Fixed(0), 2), (WindowId::Fixed(1_000), 0), (WindowId::Fixed(2_000), 1)];
/// assert_eq!(counts.collect::<Vec<_>>().await?, expected);
/// assert_eq!(late.get(), 1);
///
/// let sliding: Window<Sliding> = Window::sliding(second, 2 * second).count_outside(&outside);
/// let counts = Flow::from_items([0_i64, 500, 1_500, 2_500])
///     .event_time(|at| *at, Duration::MAX)
///     .stages(1)
///     .sliding_window(sliding)
///     .reduce(|| 0, |count, _| *count += 1)
///     .emit_state();
/// assert_eq!(counts.collect::<Vec<_>>().await?, [2, 1]);
/// assert_eq!(outside.get(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A flow with an invalid window does not start. The error is
/// [`FlowError::Refused`](crate::FlowError::Refused) and names the option, its value and the source line.
/// Durations of event time are whole milliseconds: a fraction is an error and is never rounded.
#[derive(Clone, Debug)]
pub struct Window<K = AnyTime> {
    pub(crate) spec: WindowSpec,
    kind: PhantomData<fn(K)>,
}

/// A window without its type parameter.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowSpec {
    pub(crate) kind: Kind,
    pub(crate) every: Option<usize>,
    pub(crate) periodically: Vec<Duration>,
    /// In milliseconds of event time.
    pub(crate) lateness: i128,
    pub(crate) late: Tally,
    /// Counts the events between two windows.
    pub(crate) outside: Tally,
    pub(crate) emit_empty: bool,
    /// The first invalid option.
    pub(crate) refused: Option<Refused>,
}

impl WindowSpec {
    /// Whether this is the default of a layer: a single window without options.
    pub(crate) fn is_plain(&self) -> bool {
        self.kind == Kind::Global && self.every.is_none() && self.periodically.is_empty()
    }

    /// Returns the spans of the windows, if they are windows of event time.
    #[inline]
    pub(crate) fn spans(&self) -> Option<Spans> {
        match self.kind {
            Kind::Fixed(spans) | Kind::Sliding(spans) => Some(spans),
            Kind::Global | Kind::Count(_) | Kind::Periodic(_) => None,
        }
    }

    /// Returns the first window that still accepts events at a watermark, allowed lateness included.
    pub(crate) fn first_open(&self, spans: Spans, watermark: i64) -> i64 {
        spans.first_open(i128::from(watermark) - self.lateness)
    }

    fn refuse(&mut self, refused: Option<Refused>) {
        self.refused = self.refused.take().or(refused);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Global,
    Count(usize),
    Periodic(Duration),
    Fixed(Spans),
    Sliding(Spans),
}

/// Upper bound on the windows that contain an event.
const MOST_WINDOWS: i128 = 100_000;

impl<K> Window<K> {
    fn of(kind: Kind, refused: Option<Refused>) -> Self {
        Self { spec: WindowSpec { kind, refused, ..WindowSpec::default() }, kind: PhantomData }
    }

    /// Also emits the window after every `events` of its events; at least 1.
    #[track_caller]
    pub fn trigger_every(mut self, events: usize) -> Self {
        self.spec.every = Some(events);
        self.spec.refuse(Refused::zero("trigger_every", events));
        self
    }

    /// Also emits the window after each period of the wall clock, at least 1 ms; [`Duration::MAX`] never
    /// ends. A window can have several periods.
    #[track_caller]
    pub fn trigger_periodically(mut self, period: Duration) -> Self {
        self.spec.refuse(Refused::period("trigger_periodically", period));
        self.spec.periodically.push(period);
        self
    }
}

impl Window {
    /// One window for all events: it ends with the input.
    pub fn global() -> Self {
        Self::of(Kind::Global, None)
    }

    /// Windows of `events` events each, at least 1. The last window is emitted at the end of the input, even
    /// if it is empty.
    #[track_caller]
    pub fn count(events: usize) -> Self {
        Self::of(Kind::Count(events), Refused::zero("Window::count", events))
    }

    /// Windows of a period of the wall clock, at least 1 ms. A period of [`Duration::MAX`] never ends: there is one
    /// window.
    #[track_caller]
    pub fn periodic(period: Duration) -> Self {
        Self::of(Kind::Periodic(period), Refused::period("Window::periodic", period))
    }
}

impl Window<EventTime> {
    /// Consecutive windows of `duration`, at least 1 ms of event time: window `n` begins at `n × duration`,
    /// also for times before 0. If the window of the least times begins before `i64::MIN`, its id is
    /// `i64::MIN`.
    #[track_caller]
    pub fn fixed(duration: Duration) -> Self {
        match Refused::millis("Window::fixed", duration, 1) {
            Ok(span) => Self::of(Kind::Fixed(Spans::new(span, span)), None),
            Err(refused) => Self::of(Kind::Global, Some(refused)),
        }
    }
}

impl Window<Sliding> {
    /// Windows of `duration` that begin every `step` of event time, for
    /// [`sliding_window`](crate::Flow::sliding_window). Both are at least 1 ms. An event belongs to each window that
    /// contains it; the bound is 100,000 windows. If the step is longer than the duration, an event between two
    /// windows belongs to none; [`count_outside`](Self::count_outside) counts these events.
    #[track_caller]
    pub fn sliding(duration: Duration, step: Duration) -> Self {
        let span = Refused::millis("the duration of Window::sliding", duration, 1);
        match (span, Refused::millis("the step of Window::sliding", step, 1)) {
            (Ok(span), Ok(step)) if span / step < MOST_WINDOWS => {
                Self::of(Kind::Sliding(Spans::new(span, step)), None)
            }
            (Err(refused), _) | (_, Err(refused)) => Self::of(Kind::Global, Some(refused)),
            (Ok(_), Ok(_)) => {
                let allowed = "an event would be in more than 100000 windows of this duration";
                let refused = Refused::new("the step of Window::sliding", step, allowed);
                Self::of(Kind::Global, Some(refused))
            }
        }
    }

    /// Counts the events between two windows.
    pub fn count_outside(mut self, outside: &Tally) -> Self {
        self.spec.outside = outside.clone();
        self
    }
}

impl<K: OfEventTime> Window<K> {
    /// Accepts events until the watermark of their source is `lateness` past the end of their window. The
    /// window is first emitted when the watermark passes its end, and for the last time when the lateness is
    /// over.
    ///
    /// Default: zero, with which each window is emitted once. With [`Duration::MAX`] no event is late, and
    /// every window stays in memory until the end of the input.
    #[track_caller]
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        match Refused::millis("allowed_lateness", lateness, 0) {
            Ok(lateness) => self.spec.lateness = lateness,
            Err(refused) => self.spec.refuse(Some(refused)),
        }
        self
    }

    /// Counts the events that come too late for their window.
    pub fn count_late(mut self, late: &Tally) -> Self {
        self.spec.late = late.clone();
        self
    }

    /// Also emits the empty windows that follow the first window with events and that the watermark has
    /// passed. An event ahead of the watermark, such as one whose time is rejected as implausible, does not
    /// add empty windows before its own.
    ///
    /// An empty window starts from a fresh accumulator each time it is emitted and uses no memory in between.
    /// A stage emits up to 1000 empty windows at a time and continues when its subscribers have taken them;
    /// in between, it accepts the input that has arrived.
    pub fn emit_empty(mut self) -> Self {
        self.spec.emit_empty = true;
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::EventTime {}
    impl Sealed for super::Sliding {}
}
