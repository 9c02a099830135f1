//! A stage that runs an operator on what other stages send it.

use std::time::Duration;

use stage_core::{
    Asking, BoxError, Cancellation, Cast, Context, Emitter, Events, ExitReason, Init, ProducerConsumer, Role,
    StageResult, Subscription,
};
use tokio::time::Instant;

use crate::error::{FirstError, FlowError};
use crate::plan::{Feeds, Operator};

/// The stage of a layer that is fed by the layer before.
#[derive(Debug)]
pub(crate) struct FedStage<P> {
    operator: P,
    /// How many stages feed it that have not come to their end.
    upstream: usize,
    /// How many stages it feeds that are still there, counting those that have not subscribed yet.
    consumers: usize,
    subscribed: usize,
    first_error: FirstError,
    /// The subscriptions it is fed by; the place of each is its edge.
    edges: Vec<Subscription>,
    /// When it is to be woken, if it is.
    alarm: Option<Instant>,
    finished: bool,
}

/// Look at the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring;

impl<P: Operator> FedStage<P> {
    pub(crate) fn new(
        mut operator: P,
        upstream: (usize, Feeds),
        consumers: usize,
        first_error: FirstError,
    ) -> Self {
        let (upstream, feeds) = upstream;
        operator.fed_by(feeds);
        Self {
            operator,
            upstream,
            consumers,
            subscribed: 0,
            first_error,
            edges: Vec::new(),
            alarm: None,
            finished: false,
        }
    }

    /// Ends once everything that feeds it has come to its end.
    fn finish_if_all_did(&mut self, out: &mut Emitter<'_, P::Out>) {
        if self.upstream == 0 && !self.finished {
            self.finished = true;
            self.operator.finish(&mut |event| out.emit(event));
            out.finish();
        }
    }

    /// Has itself woken when the operator wants to be.
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

impl<P: Operator> ProducerConsumer for FedStage<P> {
    type In = P::In;
    type Out = P::Out;

    async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
        if let Some(at) = self.operator.alarm() {
            self.alarm = Some(at);
            cx.schedule::<Self, _>(at.saturating_duration_since(Instant::now()), Ring)?;
        }
        Ok(Init::Ready)
    }

    async fn handle_events(
        &mut self,
        events: Events<'_, P::In>,
        out: &mut Emitter<'_, P::Out>,
    ) -> StageResult {
        let edge = self.edges.iter().position(|edge| edge == events.from()).unwrap_or_default();
        self.operator.batch(edge, events.into_iter(), &mut |event| out.emit(event));
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
                self.subscribed += 1;
                if self.upstream == 0 && self.subscribed == self.consumers {
                    // Nothing will ever come.
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
            Role::Producer if matches!(cancellation.reason, ExitReason::Normal) => {
                self.upstream = self.upstream.saturating_sub(1);
                if let Some(edge) = self.edges.iter().position(|edge| edge == subscription) {
                    self.operator.edge_ended(edge);
                }
                self.finish_if_all_did(out);
            }
            // What has failed is not whole: nothing is made of it.
            Role::Producer => self.first_error.note(|| FlowError::Stage {
                stage: subscription.producer().to_string(),
                reason: cancellation.reason.clone(),
            }),
            Role::Consumer => {
                self.consumers = self.consumers.saturating_sub(1);
                if self.consumers == 0 {
                    return Err(ExitReason::Normal.into());
                }
            }
        }
        Ok(())
    }
}

impl<P: Operator> Cast<Ring> for FedStage<P> {
    type Out = P::Out;

    async fn handle_cast(&mut self, _: Ring, out: &mut Emitter<'_, P::Out>) -> StageResult {
        self.alarm = None;
        self.finish_if_all_did(out);
        if !self.finished && self.operator.alarm().is_some_and(|at| at <= Instant::now()) {
            self.operator.ring(&mut |event| out.emit(event));
        }
        self.set_alarm(out)
    }
}
