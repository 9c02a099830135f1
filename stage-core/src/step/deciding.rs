//! The stage of the steps whose decisions depend on time, on demand, or on several producers.

use std::any::type_name;
use std::fmt;
use std::iter;

use tokio::time::Instant;

use super::lines::{Line, Lines};
use crate::base::error::{BoxError, Fatal, StageResult};
use crate::base::stats::{Counters, Discard};
use crate::credit::demand::Demand;
use crate::pipeline::handle::StageRef;
use crate::stage::{Cast, Context, Emitter, Events, Hold, Init, LetGo, ProducerConsumer, Timer};
use crate::sync::Arc;
use crate::wire::subscription::{Asking, Cancellation, Role, Subscription};

/// Decides which events leave a step, and when. Pure; time and demand are arguments.
///
/// The stage calls [`take`](Self::take) with each event, and [`serve`](Self::serve) after every batch, at new demand,
/// and at the time that [`next`](Self::next) returns.
pub(super) trait Decide: Send + 'static {
    type In: Send + 'static;
    type Out: Send + 'static;

    /// Whether events are taken while nothing is asked for.
    const AHEAD: bool = false;

    /// Whether the step holds events, and asks its producers only for as many as have left it.
    const QUEUES: bool = false;

    /// Whether events that it holds wait for other producers.
    const WAITS: bool = false;

    /// When [`settle`](Self::settle) is called, behind all events that wait in the stage.
    const SETTLES: Settles = Settles::Never;

    /// Called at the start of the step.
    fn begin(&mut self, now: Instant) {
        let _ = now;
    }

    /// Takes an event that came by `line`.
    fn take(&mut self, event: Self::In, line: Line, now: Instant, out: &mut Output<Self>);

    /// Emits what may leave by now, at most `room` events.
    fn serve(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        let _ = (now, room, out);
    }

    /// Decides once no event that came before waits any more.
    fn settle(&mut self, now: Instant, room: usize, out: &mut Output<Self>) {
        let _ = (now, room, out);
    }

    /// Returns when to look again, if at all, while `room` events are asked for.
    fn next(&self, room: usize) -> Option<Instant> {
        let _ = room;
        None
    }

    /// A producer subscribed to arrived.
    fn joined(&mut self, line: Line) {
        let _ = line;
    }

    /// A producer left: it ended, unless it failed and may return after a restart.
    fn left(&mut self, line: Line, ended: bool, out: &mut Output<Self>) {
        let _ = (line, ended, out);
    }

    /// The last producer left. Events that are held afterwards still leave by [`serve`](Self::serve).
    fn end(&mut self, out: &mut Output<Self>) {
        let _ = out;
    }

    /// Returns the number of events that it holds.
    fn held(&self) -> usize {
        0
    }
}

/// The occasions at which a step decides once the events that wait in it were handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settles {
    Never,
    /// At the time that [`Decide::next`] returns.
    InTime,
    /// At new demand.
    OnDemand,
}

/// The decisions of one callback.
pub(super) struct Output<D: Decide + ?Sized> {
    emitted: Vec<D::Out>,
    left_out: Vec<D::In>,
    given_back: Vec<D::In>,
    /// Lines whose events have left the step.
    used: Vec<Line>,
    finished: bool,
    failure: Option<BoxError>,
}

impl<D: Decide + ?Sized> Output<D> {
    pub(super) fn new() -> Self {
        Self {
            emitted: Vec::new(),
            left_out: Vec::new(),
            given_back: Vec::new(),
            used: Vec::new(),
            finished: false,
            failure: None,
        }
    }

    pub(super) fn emit(&mut self, event: D::Out) {
        self.emitted.push(event);
    }

    /// Lets go of an event on purpose.
    pub(super) fn leave_out(&mut self, event: D::In) {
        self.left_out.push(event);
    }

    /// Lets go of an event that was not used.
    pub(super) fn give_back(&mut self, event: D::In) {
        self.given_back.push(event);
    }

    /// Notes that an event of `line` has left a step that queues.
    pub(super) fn used(&mut self, line: Line) {
        self.used.push(line);
    }

    /// Emits the next events and releases their lines, for as long as there is room.
    pub(super) fn emit_from(&mut self, room: usize, next: impl FnMut() -> Option<(Line, D::Out)>) {
        for (line, event) in iter::from_fn(next).take(room) {
            self.used(line);
            self.emit(event);
        }
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn fail(&mut self, error: impl Into<BoxError>) {
        self.failure = Some(error.into());
    }
}

#[cfg(test)]
impl<D: Decide + ?Sized> Output<D> {
    pub(super) fn take_emitted(&mut self) -> Vec<D::Out> {
        std::mem::take(&mut self.emitted)
    }

    pub(super) fn left_out(&self) -> &[D::In] {
        &self.left_out
    }

    pub(super) fn given_back(&self) -> &[D::In] {
        &self.given_back
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(ToString::to_string)
    }

    pub(super) fn has_finished(&self) -> bool {
        self.finished
    }
}

/// Runs a [`Decide`].
pub(super) struct Deciding<D: Decide> {
    decide: D,
    output: Output<D>,
    let_go: LetGo<D::In>,
    lines: Lines,
    timer: Option<(Instant, Timer)>,
    hold: Option<Hold>,
    /// Number of events held when the last callback returned; if a callback fails, the engine counts the batch.
    held: usize,
    counters: Option<Arc<Counters>>,
}

/// Asks the stage to look at the clock.
struct Look;

/// Asks the stage to settle; comes behind all events that wait in it.
struct Settle;

impl<D: Decide> Deciding<D> {
    pub(super) fn new(decide: D) -> Self {
        Self {
            decide,
            output: Output::new(),
            let_go: LetGo::default(),
            lines: Lines::default(),
            timer: None,
            hold: None,
            held: 0,
            counters: None,
        }
    }

    /// Serves the demand, and carries out the decisions.
    fn serve(&mut self, now: Instant, out: &mut Emitter<'_, D::Out>) -> StageResult {
        let room = out.demand().saturating_sub(self.output.emitted.len());
        self.decide.serve(now, room, &mut self.output);
        self.carry_out(now, out)
    }

    fn carry_out(&mut self, now: Instant, out: &mut Emitter<'_, D::Out>) -> StageResult {
        let room = out.demand().saturating_sub(self.output.emitted.len());
        let Output { emitted, left_out, given_back, used, finished, failure } = &mut self.output;
        out.extend(emitted.drain(..));
        let counters = &out.state.counters;
        counters.left_out(left_out.len());
        left_out.drain(..).for_each(|event| self.let_go.leave_out(event));
        if !given_back.is_empty() {
            counters.discarded(Discard::Ended, given_back.len());
            given_back.drain(..).for_each(|event| self.let_go.give_back(event));
        }
        self.lines.ask_again(used.drain(..));
        if let Some(error) = failure.take() {
            return Err(error);
        }
        let finished = *finished;
        self.note_held(out);
        if finished {
            // Events that are still held do not leave.
            self.hold = None;
            out.finish();
            return Ok(());
        }
        self.look_again(now, room, out)
    }

    /// Notes how many events are held. While a step that queues holds events which leave without further input, it does
    /// not end with its input.
    fn note_held(&mut self, out: &Emitter<'_, D::Out>) {
        self.held = self.decide.held();
        out.state.counters.keep(self.held);
        if D::QUEUES {
            self.hold = match self.hold.take() {
                _ if self.held == 0 || D::WAITS && !self.lines.is_empty() => None,
                Some(hold) => Some(hold),
                None => Some(out.hold()),
            };
        }
    }

    /// Schedules the next look at the clock.
    fn look_again(&mut self, now: Instant, room: usize, out: &mut Emitter<'_, D::Out>) -> StageResult {
        let Some(at) = self.decide.next(room).filter(|at| *at > now) else { return Ok(()) };
        // A look that comes too early does no harm; creating another timer each time would.
        if self.timer.as_ref().is_none_or(|(scheduled, _)| *scheduled > at) {
            if let Some((_, timer)) = self.timer.take() {
                timer.cancel();
            }
            self.timer = Some((at, out.schedule::<Self, _>(at - now, Look)?));
        }
        Ok(())
    }
}

impl<D: Decide> ProducerConsumer for Deciding<D> {
    type In = D::In;
    type Out = D::Out;

    const AHEAD_OF_DEMAND: bool = D::AHEAD;
    const ASKS_BY_ITSELF: bool = D::QUEUES;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        StageRef::<Self, D::In, D::Out>::current(cx).map_err(|_| fused::<D>(cx.name()))?;
        self.counters = Some(Arc::clone(&cx.state.counters));
        self.decide.begin(Instant::now());
        Ok(Init::Ready)
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, D::Out>,
    ) -> Result<Asking, BoxError> {
        if peer == Role::Consumer {
            return Ok(Asking::Automatic);
        }
        let line = if D::QUEUES { self.lines.open(subscription) } else { self.lines.note(subscription) };
        self.decide.joined(line);
        self.serve(Instant::now(), out)?;
        Ok(if D::QUEUES { Asking::Manual } else { Asking::Automatic })
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, D::Out>,
    ) -> StageResult {
        if peer == Role::Producer
            && let Some(line) = self.lines.close(subscription)
        {
            self.decide.left(line, cancellation.reason.is_normal(), &mut self.output);
            if self.lines.is_empty() {
                self.decide.end(&mut self.output);
            }
            self.serve(Instant::now(), out)?;
        }
        Ok(())
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, D::In>,
        out: &mut Emitter<'_, D::Out>,
    ) -> StageResult {
        let now = Instant::now();
        let line =
            self.lines.of(events.from()).ok_or("events came by a subscription that was not announced")?;
        for event in events {
            if self.output.finished {
                self.output.give_back(event);
            } else {
                self.decide.take(event, line, now, &mut self.output);
            }
        }
        self.serve(now, out)
    }

    async fn handle_demand(&mut self, _demand: Demand, out: &mut Emitter<'_, D::Out>) -> StageResult {
        if D::SETTLES == Settles::OnDemand {
            out.info::<Self, _>(Settle)?;
        }
        self.serve(Instant::now(), out)
    }

    fn let_go_by(&mut self, let_go: LetGo<D::In>) {
        self.let_go = let_go;
    }
}

impl<D: Decide> Cast<Look> for Deciding<D> {
    type Out = D::Out;

    async fn handle_cast(&mut self, _: Look, out: &mut Emitter<'_, D::Out>) -> StageResult {
        self.timer = None;
        if D::SETTLES == Settles::InTime {
            out.info::<Self, _>(Settle)?;
        }
        self.serve(Instant::now(), out)
    }
}

impl<D: Decide> Cast<Settle> for Deciding<D> {
    type Out = D::Out;

    async fn handle_cast(&mut self, _: Settle, out: &mut Emitter<'_, D::Out>) -> StageResult {
        let now = Instant::now();
        self.decide.settle(now, out.demand(), &mut self.output);
        self.carry_out(now, out)
    }
}

/// Counts the events held by a stopped or failed stage as discarded.
impl<D: Decide> Drop for Deciding<D> {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.discard_kept(self.held, "the stage ended while it held them");
        }
    }
}

impl<D: Decide> fmt::Debug for Deciding<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deciding").field("held", &self.held).finish_non_exhaustive()
    }
}

/// The error of a step that is fused with another.
fn fused<D>(step: &str) -> BoxError {
    let path = type_name::<D>().split('<').next().unwrap_or_default();
    let name = path.rsplit("::").next().unwrap_or_default();
    let error = format!(
        "the part `{name}` of `{step}` needs timers or demand, which fused parts do not have: make it a step of its own"
    );
    Fatal::new(error).into()
}

/// The error of a step whose input did not arrive in time; it ends the pipeline.
pub(super) fn timed_out(error: impl Into<BoxError>) -> BoxError {
    Fatal::new(error).into()
}
