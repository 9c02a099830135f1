//! Flows that end behind their first steps: the events leave for other machines, part by part of the source.

use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use stage_core::BoxError;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::{block_in_place, yield_now};
use tokio::time::{Instant, sleep_until};

use crate::chain::{Chain, InOf};
use crate::error::FlowError;
use crate::flow::Flow;
use crate::plan::{Feeds, Layer, Operator, Origin, Place};
use crate::reduce::{MapLayer, MapOperator};
use crate::refused::Refused;
use crate::source::{More, Part, Taker};
use crate::time::{Stamped, Timed};

/// A flow of event time without a layer before its end, so that each part of its source gives the same events in the
/// same order whenever it is read.
pub trait Cut {
    /// The type of the events at the end.
    type Out: Send + 'static;

    /// Returns the parts of the flow.
    ///
    /// # Errors
    ///
    /// If the layer has a window, an invalid option, or a function for late events; if the source has no parts, or cannot
    /// be read a second time.
    fn cut(self) -> Result<CutFlow<Self::Out>, FlowError>;
}

/// The origin of a flow that can be [cut](Cut).
#[diagnostic::on_unimplemented(
    message = "the events of this flow cannot cross to other machines",
    label = "a layer before `across`, or no event time",
    note = "`across` follows `event_time`, which follows the source, and steps that take one event at a time, such as `map` and `filter`",
    note = "behind `across`, write `.window(Window::fixed(…)).reduce(init, fold)`; sessions, joins and partitions of other kinds belong into a flow on one machine, over the results"
)]
pub trait PartByPart: Origin<Time = Timed> {
    /// A part of the source, with the stamps of its events.
    type Part: Part<Item = Stamped<Self::Item>>;

    /// Returns the name of the source.
    fn source(&self) -> String;

    /// Returns whether the source gives its first events again when it is read again.
    fn repeats(&self) -> bool;

    /// Returns the time after which a part without events is idle.
    fn idle_after(&self) -> Option<Duration>;

    /// Returns the number of parts.
    ///
    /// # Errors
    ///
    /// If the source cannot be read.
    fn ways(&self) -> Result<usize, BoxError>;

    /// Returns the part with this number, from 0, at its beginning.
    ///
    /// # Errors
    ///
    /// If the source cannot be read, or has fewer parts.
    fn way(&self, number: usize) -> Result<Self::Part, BoxError>;
}

/// The parts of a flow that was [cut](Cut). Cheap to clone.
pub struct CutFlow<T> {
    pub(super) parts: usize,
    /// The time after which a part without events is idle.
    pub(super) idle_after: Option<Duration>,
    pub(super) open: Arc<dyn Fn(usize) -> Result<CutPart<T>, BoxError> + Send + Sync>,
}

/// A part of a flow that was [cut](Cut), at its current position.
pub struct CutPart<T> {
    steps: Box<dyn Steps<T>>,
    woken: Arc<Woken>,
    /// The time since which the part has waited for events.
    waits_since: Option<Instant>,
    is_idle: bool,
    has_ended: bool,
    /// The error of the source, which is returned behind the events before it.
    failed: Option<BoxError>,
}

/// The outcome of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The source has given events; the steps may have dropped all of them.
    Events,
    /// The part has been without events for the time of [`idle_after`](crate::Flow::idle_after).
    Idle,
    /// The part has ended.
    End,
}

impl<C: Chain<Origin: PartByPart>> Cut for Flow<C> {
    type Out = C::Out;

    #[track_caller]
    fn cut(self) -> Result<CutFlow<C::Out>, FlowError> {
        let windowed = self.is_windowed();
        let Self { chain, options, late, .. } = self;
        let layer = MapLayer { chain, options, windowed };
        layer.check()?;
        layer.options().check()?;
        let origin = layer.chain.origin();
        if late.is_some() {
            let allowed = "count the late events behind it: `Window::count_late`";
            return Err(Refused::new("late", format_args!("before across"), allowed).into());
        }
        // `track_caller` does not reach into closures.
        if !origin.repeats() {
            let allowed = "after a restart it is read again from its first event";
            return Err(Refused::new("the source before across", origin.source(), allowed).into());
        }
        let (ways, idle_after) = (origin.ways(), origin.idle_after());
        if let Ok(0) = ways {
            return Err(Refused::new("the source before across", origin.source(), "it has no parts").into());
        }
        let name = layer.name();
        let parts = ways.map_err(|error| FlowError::Stage { stage: name, reason: error.into() })?;
        let open = move |index| {
            let (part, place) = (layer.chain.origin().way(index)?, Place { index, of: parts });
            if let Some(on_init) = &layer.options.on_init {
                on_init(place);
            }
            let mut operator = layer.operator(place);
            operator.fed_by(Feeds::OwnPart);
            Ok(CutPart::new(Box::new(Reading::<_, C> { part, operator })))
        };
        Ok(CutFlow { parts, idle_after, open: Arc::new(open) })
    }
}

impl<T> CutFlow<T> {
    /// Returns the number of parts, at least 1.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Returns the part with this number, from 0, at its beginning.
    ///
    /// # Errors
    ///
    /// If the source cannot be read, or has fewer parts now.
    pub fn open(&self, part: usize) -> Result<CutPart<T>, BoxError> {
        (self.open)(part)
    }
}

impl<T> CutPart<T> {
    pub(super) fn new(mut steps: Box<dyn Steps<T>>) -> Self {
        let woken = Arc::new(Woken::default());
        steps.wake_by(&Waker::from(Arc::clone(&woken)));
        Self { steps, woken, waits_since: None, is_idle: false, has_ended: false, failed: None }
    }

    /// Returns the steps of a part that was not read yet.
    pub(super) fn into_steps(self) -> Box<dyn Steps<T>> {
        self.steps
    }

    /// Adds the next events to `into`: those of at most `most` events of the source.
    ///
    /// A source that blocks its thread does not block the other tasks of a runtime with several threads.
    ///
    /// # Errors
    ///
    /// If the source cannot be read, after the events before.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it waits only while there is no event.
    pub async fn read(&mut self, most: usize, into: &mut Vec<Stamped<T>>) -> Result<Read, BoxError> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.has_ended {
                return Ok(Read::End);
            }
            let Got { more, has_taken } = self.read_now(most, into);
            if has_taken {
                (self.waits_since, self.is_idle) = (None, false);
            }
            match more {
                Err(error) => {
                    self.failed = Some(error);
                    self.has_ended = true;
                }
                Ok(More::No) => {
                    self.steps.end();
                    self.has_ended = true;
                }
                Ok(More::Yes) if !has_taken => yield_now().await,
                Ok(More::Later) if !has_taken => {
                    if self.waited().await {
                        return Ok(Read::Idle);
                    }
                }
                Ok(More::Yes | More::Later) => {}
            }
            if has_taken {
                return Ok(Read::Events);
            }
        }
    }

    /// Returns the watermark of the part, if it has one yet.
    pub fn reached(&self) -> Option<i64> {
        self.steps.reached()
    }

    fn read_now(&mut self, most: usize, into: &mut Vec<Stamped<T>>) -> Got {
        let has_threads =
            Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
        let mut read = || self.steps.read(most, into);
        if has_threads { block_in_place(read) } else { read() }
    }

    /// Waits until there may be an event. Returns whether the part has become idle before.
    async fn waited(&mut self) -> bool {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let idle_at = self.steps.patience().filter(|_| !self.is_idle);
        let idle_at = idle_at.and_then(|patience| since.checked_add(patience));
        let idle = async {
            match idle_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.woken.0.notified() => false,
            () = idle => {
                self.steps.idle();
                self.is_idle = true;
                true
            }
        }
    }
}

/// Wakes a part that waits for its source.
#[derive(Debug, Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// A part of a source and the steps behind it.
pub(super) trait Steps<T>: Send {
    fn wake_by(&mut self, waker: &Waker);
    fn read(&mut self, most: usize, into: &mut Vec<Stamped<T>>) -> Got;
    fn patience(&self) -> Option<Duration>;
    fn idle(&mut self);
    fn end(&mut self);
    fn reached(&self) -> Option<i64>;
}

/// The outcome of one read of the source.
pub(super) struct Got {
    pub(super) more: Result<More, BoxError>,
    /// Whether there were events.
    pub(super) has_taken: bool,
}

struct Reading<P, C: Chain> {
    part: P,
    operator: MapOperator<C>,
}

/// Takes the events of the source through the steps.
struct Taking<'a, C: Chain> {
    operator: &'a mut MapOperator<C>,
    into: &'a mut Vec<Stamped<C::Out>>,
    has_taken: bool,
}

impl<C: Chain<Origin: PartByPart>> Taker<Stamped<InOf<C>>> for Taking<'_, C> {
    fn wanted(&self) -> usize {
        usize::MAX
    }

    fn take(&mut self, events: impl Iterator<Item = Stamped<InOf<C>>>) -> usize {
        let mut taken = 0;
        self.take_all(events.inspect(|_| taken += 1));
        taken
    }

    fn take_all(&mut self, events: impl Iterator<Item = Stamped<InOf<C>>>) {
        self.has_taken = true;
        let Self { operator, into, .. } = self;
        operator.batch(0, events, &mut |event| into.push(event));
    }
}

impl<P, C> Steps<C::Out> for Reading<P, C>
where
    P: Part<Item = Stamped<InOf<C>>>,
    C: Chain<Origin: PartByPart>,
{
    fn wake_by(&mut self, waker: &Waker) {
        self.part.wake_by(waker);
    }

    fn read(&mut self, most: usize, into: &mut Vec<Stamped<C::Out>>) -> Got {
        let most = most.min(self.part.at_once()).max(1);
        let mut taking = Taking { operator: &mut self.operator, into, has_taken: false };
        let more = self.part.read_in_one(most, &mut taking);
        Got { more, has_taken: taking.has_taken }
    }

    fn patience(&self) -> Option<Duration> {
        self.part.patience()
    }

    fn idle(&mut self) {
        if let Some(progress) = self.part.idle() {
            self.operator.hear(0, progress, &mut |_| {});
        }
    }

    fn end(&mut self) {
        if let Some(progress) = self.part.end() {
            self.operator.hear(0, progress, &mut |_| {});
        }
    }

    fn reached(&self) -> Option<i64> {
        self.operator.reached().map(|reached| reached.watermark)
    }
}

impl<T> Clone for CutFlow<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts, idle_after: self.idle_after, open: Arc::clone(&self.open) }
    }
}

impl<T> fmt::Debug for CutFlow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CutFlow").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for CutPart<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CutPart").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
