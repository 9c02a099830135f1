//! A stage that reads a part of a source and runs an operator on it.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use stage_core::stage::{Cast, Progress};
use stage_core::subscribe::{Cancellation, Subscription};
use stage_core::{BoxError, Context, Demand, Emitter, Init, Nothing, Producer, StageRef, StageResult};
use tokio::time::Instant;

use super::alarm::{Alarm, Ring};
use super::ends::Ends;
use super::fed_stage::{GoOn, Leave, announce};
use super::sink::counting;
use super::until_met::UntilMet;
use crate::plan::{Feeds, Operator};
use crate::source::{More, Part, Taker};
use crate::time::Gauge;

/// A read that takes longer than this is slow: the stage then emits what it has, and handles messages.
const SLOW: Duration = Duration::from_micros(500);
/// The maximum number of items read in one call.
const MOST: usize = 4096;

/// A stage of a source, or of a layer that is fused with one.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "the flags change independently of each other")]
pub(crate) struct SourceStage<I, P> {
    part: I,
    operator: P,
    ends: Ends,
    /// The demand for events that have not been emitted yet.
    wanted: usize,
    /// The number of items to read before the clock is checked.
    slice: usize,
    /// Whether a message to continue reading is on its way.
    going: bool,
    alarm: Alarm,
    gauge: Arc<Gauge>,
    /// The progress announced last.
    announced: Progress,
    /// The time since which the stage has waited for events; `None` once it has announced that it is idle.
    waits_since: Option<Instant>,
    is_idle: bool,
    finished: bool,
    /// The error of the source. The stage fails with it at the next demand, so that the events read before
    /// reach their subscribers first.
    failed: Option<BoxError>,
    /// Whether [`GoOn`] is on its way.
    going_on: bool,
}

/// Runs the operator on the items read.
struct Run<'a, 'e, P: Operator> {
    operator: &'a mut P,
    out: &'a mut Emitter<'e, P::Out>,
    /// The number of events to emit.
    wanted: usize,
    /// The numbers of items taken and of events emitted.
    taken: usize,
    made: usize,
}

impl<P: Operator> Run<'_, '_, P> {
    /// Runs the operator on the items, or on those that it needs to emit `wanted` events. Returns the number of items
    /// that it has taken.
    #[inline]
    fn run(&mut self, items: impl Iterator<Item = P::In>, wanted: usize) -> usize {
        let (taken, made) = (Cell::new(0), Cell::new(0));
        let items = UntilMet::new(items, wanted, &made, &taken);
        self.operator.batch(0, items, &mut counting(self.out, &made));
        self.taken += taken.get();
        self.made += made.get();
        taken.get()
    }
}

impl<P: Operator> Taker<P::In> for Run<'_, '_, P> {
    fn wanted(&self) -> usize {
        self.wanted.saturating_sub(self.made)
    }

    #[inline]
    fn take(&mut self, events: impl Iterator<Item = P::In>) -> usize {
        self.run(events, self.wanted())
    }

    #[inline]
    fn take_all(&mut self, events: impl Iterator<Item = P::In>) {
        self.run(events, usize::MAX);
    }
}

/// A message to continue reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read;

impl<I, P> SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    pub(crate) fn new(part: I, mut operator: P, ends: Ends, gauge: Arc<Gauge>) -> Self {
        operator.fed_by(Feeds::OwnPart);
        Self {
            part,
            operator,
            ends,
            wanted: 0,
            slice: 1,
            going: false,
            alarm: Alarm::default(),
            gauge,
            announced: Progress::UNKNOWN,
            waits_since: None,
            is_idle: false,
            finished: false,
            failed: None,
            going_on: false,
        }
    }

    /// Reads until the demand is met, or the stage should handle other messages.
    fn read(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        if self.wanted > 0 && !self.operator.has_more() {
            self.fail()?;
        }
        let (began, most) = (Instant::now(), self.part.at_once().min(MOST));
        // The number of items read since the clock was checked.
        let mut unchecked = 0;
        while self.wanted > 0 && !self.finished && !self.operator.has_more() {
            let slice = (self.slice - unchecked).min(most);
            // The events of such a batch come after all of its items.
            let slice = if self.operator.takes_batches() { slice.min(self.wanted) } else { slice };
            let mut taker = Run { operator: &mut self.operator, out, wanted: self.wanted, taken: 0, made: 0 };
            let read = self.part.read_in_one(slice, &mut taker);
            let Run { taken, made, .. } = taker;
            if taken > 0 {
                self.waits_since = None;
                self.is_idle = false;
            }
            self.wanted = self.wanted.saturating_sub(made);
            let more = match read {
                Ok(more) => more,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            };
            if more == More::No {
                return self.finish(out);
            }
            if more == More::Later {
                if !self.is_idle {
                    self.waits_since.get_or_insert(began);
                }
                return self.set_alarm(out);
            }
            unchecked += taken;
            if taken > 0 && unchecked < self.slice && self.wanted > 0 {
                continue;
            }
            if began.elapsed() >= SLOW {
                self.slice = (unchecked / 2).max(1);
                break;
            }
            self.slice = self.slice.max(unchecked.saturating_mul(2)).min(most);
            unchecked = 0;
        }
        if self.wanted > 0 && !self.going && !self.finished && !self.operator.has_more() {
            self.going = true;
            out.schedule::<Self, _>(Duration::ZERO, Read)?;
        }
        self.set_alarm(out)
    }

    /// Ends the stage if its source failed.
    fn fail(&mut self) -> StageResult {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Finishes the stage at the end of the source.
    fn finish(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        if !self.finished {
            self.finished = true;
            if let Some(progress) = self.part.end() {
                self.operator.hear(0, progress, &mut counting(out, &Cell::new(0)));
            }
            // Before the end, so that stages without events have the event time too.
            announce(&self.operator, &mut self.announced, out);
            self.operator.finish(&mut counting(out, &Cell::new(0)));
            if !self.operator.has_more() {
                out.finish();
            }
        }
        self.go_on_later(out)
    }

    /// If the operator has more to emit: continues once the stage's buffer is empty; nothing is read until
    /// then.
    fn go_on_later(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        if self.operator.has_more() && !self.going_on {
            self.going_on = true;
            out.info::<Self, _>(GoOn)?;
        }
        Ok(())
    }

    /// Returns when the stage becomes idle, if there is no event until then.
    fn idle_at(&self) -> Option<Instant> {
        self.waits_since?.checked_add(self.part.patience()?)
    }

    /// Announces that the stage is idle if it has waited long enough.
    fn see_if_idle(&mut self, out: &mut Emitter<'_, P::Out>) {
        if self.idle_at().is_some_and(|at| at <= Instant::now()) {
            (self.waits_since, self.is_idle) = (None, true);
            if let Some(progress) = self.part.idle() {
                self.operator.hear(0, progress, &mut counting(out, &Cell::new(0)));
            }
        }
    }

    fn set_alarm(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.gauge.show(self.operator.reached());
        announce(&self.operator, &mut self.announced, out);
        self.go_on_later(out)?;
        let alarms = [self.operator.alarm(), self.idle_at()];
        let wanted = if self.finished { None } else { alarms.into_iter().flatten().min() };
        if let Some(after) = self.alarm.set(wanted) {
            out.schedule::<Self, _>(after, Ring)?;
        }
        Ok(())
    }
}

impl<I, P> Producer for SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    type Event = P::Out;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some(after) = self.alarm.set(self.operator.alarm()) {
            cx.schedule::<Self, _>(after, Ring)?;
        }
        let stage = StageRef::<Self, Nothing, P::Out>::current(cx)?;
        // A stage that has ended has nothing more to read.
        self.part.wake_by(&Nudge::waker(move || stage.cast(Read).unwrap_or_default()));
        Ok(Init::Ready)
    }

    async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.wanted += demand.get();
        if self.going { Ok(()) } else { self.read(out) }
    }

    async fn handle_cancel(
        &mut self,
        subscription: &Subscription,
        cancellation: &Cancellation,
        _out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        self.ends.reader_left(subscription, cancellation)
    }
}

/// Wakes a stage that waits for its source.
struct Nudge<F> {
    wake: F,
}

impl<F: Fn() + Send + Sync + 'static> Nudge<F> {
    fn waker(wake: F) -> Waker {
        Waker::from(Arc::new(Self { wake }))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Nudge<F> {
    fn wake(self: Arc<Self>) {
        (self.wake)();
    }
}

impl<I, P> Cast<Read> for SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Read, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.going = false;
        self.read(out)
    }
}

impl<I, P> Cast<Ring> for SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Ring, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.alarm.rang();
        if !self.finished && self.operator.alarm().is_some_and(|at| at <= Instant::now()) {
            self.operator.ring(&mut counting(out, &Cell::new(0)));
        }
        if !self.finished {
            self.see_if_idle(out);
        }
        self.set_alarm(out)
    }
}

impl<I, P> Cast<Leave> for SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Leave, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.fail()?;
        self.finish(out)
    }
}

impl<I, P> Cast<GoOn> for SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    type Out = P::Out;

    async fn handle_cast(&mut self, _: GoOn, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.going_on = false;
        let made = Cell::new(0);
        self.operator.go_on(&mut counting(out, &made));
        self.wanted = self.wanted.saturating_sub(made.get());
        if self.finished && !self.operator.has_more() {
            out.finish();
        }
        self.go_on_later(out)?;
        if self.going || self.finished { Ok(()) } else { self.read(out) }
    }
}

#[cfg(test)]
mod tests;
