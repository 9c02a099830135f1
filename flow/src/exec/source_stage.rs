//! A stage that reads a part of a source and runs an operator on it.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use stage_core::{
    BoxError, Cancellation, Cast, Context, Demand, Emitter, ExitReason, Init, Nothing, Producer, StageRef,
    StageResult, Subscription,
};
use tokio::time::Instant;

use super::fed_stage::Ring;
use crate::error::{FirstError, FlowError};
use crate::plan::{Feeds, Operator};
use crate::source::{More, Part};

/// Reading for longer than this is slow: what is there is handed on, and messages are looked at.
const SLOW: Duration = Duration::from_micros(500);
/// The most items read in one go.
const MOST: usize = 4096;

/// The stage of a source, or of a layer that is fused with one.
#[derive(Debug)]
pub(crate) struct SourceStage<I, P> {
    part: I,
    operator: P,
    consumers: usize,
    first_error: FirstError,
    /// Events that are wanted and were not made yet.
    wanted: usize,
    /// Items to be read before the clock is looked at.
    slice: usize,
    /// Whether it has told itself to go on.
    going: bool,
    alarm: Option<Instant>,
    finished: bool,
}

/// Go on reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read;

impl<I, P> SourceStage<I, P>
where
    I: Part,
    P: Operator<In = I::Item>,
{
    pub(crate) fn new(part: I, mut operator: P, consumers: usize, first_error: FirstError) -> Self {
        operator.fed_by(Feeds::OwnPart);
        Self {
            part,
            operator,
            consumers,
            first_error,
            wanted: 0,
            slice: 1,
            going: false,
            alarm: None,
            finished: false,
        }
    }

    /// Reads until what is wanted is there, or it is time to look at other things.
    fn read(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        let began = Instant::now();
        while self.wanted > 0 && !self.finished {
            let slice = self.slice.min(self.wanted.max(1)).min(MOST);
            let (mut items, mut made) = (Vec::with_capacity(slice), 0);
            let more = self.part.read(slice, &mut |item| items.push(item))?;
            self.operator.batch(0, items.into_iter(), &mut |event| {
                made += 1;
                out.emit(event);
            });
            self.wanted = self.wanted.saturating_sub(made);
            if more == More::No {
                self.finished = true;
                self.operator.finish(&mut |event| out.emit(event));
                out.finish();
                return Ok(());
            }
            if more == More::Later {
                return self.set_alarm(out);
            }
            if began.elapsed() >= SLOW {
                self.slice = (slice / 2).max(1);
                break;
            }
            self.slice = self.slice.max(slice.saturating_mul(2)).min(MOST);
        }
        if self.wanted > 0 && !self.going {
            self.going = true;
            out.schedule::<Self, _>(Duration::ZERO, Read)?;
        }
        self.set_alarm(out)
    }

    fn set_alarm(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        let wanted = if self.finished { None } else { self.operator.alarm() };
        if let Some(at) = wanted
            && self.alarm.is_none_or(|alarm| at < alarm)
        {
            self.alarm = Some(at);
            out.schedule::<Self, _>(at.saturating_duration_since(Instant::now()), Ring)?;
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
        if let Some(at) = self.operator.alarm() {
            self.alarm = Some(at);
            cx.schedule::<Self, _>(at.saturating_duration_since(Instant::now()), Ring)?;
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
        if !cancellation.reason.is_normal() {
            self.first_error.note(|| FlowError::Stage {
                stage: subscription.consumer().to_string(),
                reason: cancellation.reason.clone(),
            });
        }
        self.consumers = self.consumers.saturating_sub(1);
        if self.consumers == 0 { Err(ExitReason::Normal.into()) } else { Ok(()) }
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
        self.alarm = None;
        if !self.finished && self.operator.alarm().is_some_and(|at| at <= Instant::now()) {
            self.operator.ring(&mut |event| out.emit(event));
        }
        self.set_alarm(out)
    }
}
