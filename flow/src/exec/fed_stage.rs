//! A stage that runs an operator on the events of other stages.

use std::sync::Arc;
use std::time::Duration;
use std::vec::Drain;

use stage_core::stage::{Cast, Hold, ProducerProgress, Progress};
use stage_core::subscribe::{Asking, Cancellation, Role, Subscription};
use stage_core::{BoxError, Context, Emitter, Events, ExitReason, Init, ProducerConsumer, StageResult};
use tokio::time::Instant;

use super::alarm::{Alarm, Ring};
use super::ends::Ends;
use super::sink::emitting;
use crate::plan::{Feeds, Operator};
use crate::time::Gauge;

/// A stage of a layer that is fed by the layer before.
#[derive(Debug)]
pub(crate) struct FedStage<P> {
    operator: P,
    ends: Ends,
    /// The subscriptions of the stage; the index of each is its edge.
    edges: Vec<Subscription>,
    alarm: Alarm,
    gauge: Arc<Gauge>,
    /// The progress announced last.
    announced: Progress,
    /// The number of edges, from the first, that wait for the others.
    held: usize,
    finished: bool,
    /// Keeps the stage alive while the operator has more to emit.
    going_on: Option<Hold>,
}

/// The events of a batch.
struct Batch<'a, E>(Drain<'a, E>);

impl<E> Iterator for Batch<'_, E> {
    type Item = E;

    #[inline]
    fn next(&mut self) -> Option<E> {
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    /// A loop over a known type of iterator moves each event in one piece. In an operator, which is generic over it, the
    /// `Option` around an event remains: an event with a tag is then moved in two pieces, and the processor waits when
    /// they are read in one.
    #[inline]
    fn fold<B, F: FnMut(B, E) -> B>(self, init: B, mut each: F) -> B {
        let mut all = init;
        for event in self.0 {
            all = each(all, event);
        }
        all
    }
}

/// A message to continue emitting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoOn;

/// A message to cancel all subscriptions and finish.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leave;

impl<P: Operator> FedStage<P> {
    pub(crate) fn new(mut operator: P, feeds: Feeds, ends: Ends, gauge: Arc<Gauge>) -> Self {
        operator.fed_by(feeds);
        let (edges, alarm) = (Vec::new(), Alarm::default());
        let announced = Progress::UNKNOWN;
        let held = feeds.held();
        Self { operator, ends, edges, alarm, gauge, announced, held, finished: false, going_on: None }
    }

    /// Finishes once all producers have ended.
    fn finish_if_all_did(&mut self, out: &mut Emitter<'_, P::Out>) {
        if self.ends.all_came() && !self.finished {
            self.finished = true;
            self.operator.finish(&mut emitting(out));
            if !self.operator.has_more() {
                out.finish();
            }
        }
    }

    /// If the operator has more to emit: continues once the stage's buffer is empty and the input that has
    /// arrived by now is handled. Paused input would hold that message back indefinitely.
    fn go_on_later(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        if self.operator.has_more() && self.going_on.is_none() {
            self.going_on = Some(out.hold());
            out.info::<Self, _>(GoOn)?;
        }
        Ok(())
    }

    /// Announces the progress of the operator, and schedules its next alarm and the rest of its output.
    fn set_alarm(&mut self, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.gauge.show(self.operator.reached());
        announce(&self.operator, &mut self.announced, out);
        if self.held > 0 && !self.operator.holds_back() {
            self.edges.iter().take(self.held).for_each(Subscription::resume);
            self.held = 0;
        }
        self.go_on_later(out)?;
        let wanted = if self.finished { None } else { self.operator.alarm() };
        if let Some(after) = self.alarm.set(wanted) {
            out.schedule::<Self, _>(after, Ring)?;
        }
        Ok(())
    }
}

/// Returns the edge of a subscription. Without the types of the stage, so that it is compiled once.
#[inline]
fn edge_of(edges: &[Subscription], subscription: &Subscription) -> Option<usize> {
    edges.iter().position(|edge| edge == subscription)
}

/// Announces the progress of `operator` if it differs from the one `announced` last.
pub(super) fn announce<P: Operator>(operator: &P, announced: &mut Progress, out: &mut Emitter<'_, P::Out>) {
    if let Some(progress) = operator.progress().filter(|progress| progress != announced) {
        *announced = progress;
        out.announce_progress(progress);
    }
}

impl<P: Operator> ProducerConsumer for FedStage<P> {
    type In = P::In;
    type Out = P::Out;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        cx.hear_progress::<Self>()?;
        if let Some(after) = self.alarm.set(self.operator.alarm()) {
            cx.schedule::<Self, _>(after, Ring)?;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, P::In>,
        out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        let edge = edge_of(&self.edges, events.from()).unwrap_or_default();
        self.operator.batch(edge, Batch(events.into_iter()), &mut emitting(out));
        self.set_alarm(out)
    }

    async fn handle_subscribe(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        out: &mut Emitter<'_, P::Out>,
    ) -> Result<Asking, BoxError> {
        match peer {
            Role::Producer => self.edges.push(subscription.clone()),
            Role::Consumer => {
                if self.ends.complete_in_vain() {
                    out.schedule::<Self, _>(Duration::ZERO, Ring)?;
                }
            }
        }
        Ok(Asking::Automatic)
    }

    async fn handle_cancel(
        &mut self,
        peer: Role,
        subscription: &Subscription,
        cancellation: &Cancellation,
        out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        match peer {
            Role::Producer => {
                if self.ends.came_to_its_end(subscription, cancellation) {
                    if let Some(edge) = edge_of(&self.edges, subscription) {
                        self.operator.edge_ended(edge, &mut emitting(out));
                    }
                    self.finish_if_all_did(out);
                    self.set_alarm(out)?;
                }
                Ok(())
            }
            Role::Consumer => self.ends.reader_left(subscription, cancellation),
        }
    }
}

impl<P: Operator> Cast<ProducerProgress> for FedStage<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, told: ProducerProgress, out: &mut Emitter<'_, P::Out>) -> StageResult {
        if let Some(edge) = edge_of(&self.edges, &told.from) {
            self.operator.hear(edge, told.progress, &mut emitting(out));
        }
        self.set_alarm(out)
    }
}

impl<P: Operator> Cast<Ring> for FedStage<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Ring, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.alarm.rang();
        self.finish_if_all_did(out);
        if !self.finished && self.operator.alarm().is_some_and(|at| at <= Instant::now()) {
            self.operator.ring(&mut emitting(out));
        }
        self.set_alarm(out)
    }
}

impl<P: Operator> Cast<GoOn> for FedStage<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, _: GoOn, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.operator.go_on(&mut emitting(out));
        if self.operator.has_more() {
            out.info::<Self, _>(GoOn)?;
            return Ok(());
        }
        self.going_on = None;
        if self.finished {
            out.finish();
        }
        self.set_alarm(out)
    }
}

/// The end of each subscription is handled after its events.
impl<P: Operator> Cast<Leave> for FedStage<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Leave, _out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.edges.iter().for_each(|edge| edge.cancel(ExitReason::Normal));
        Ok(())
    }
}
