//! Handles one event, with the retries and the final action of its policy.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::decision::{Decision, Then};
use super::each_event::EachEvent;
use super::event_error::EventError;
use super::failure_policy::{Failure, FailurePolicy};
use super::letter::DeadLetter;
use crate::ack::{Reason, Token};
use crate::base::error::{BoxError, ExitReason, Fatal, panic_message};
use crate::base::future::catch_panic;
use crate::base::hopeless::Prospect;
use crate::base::stats::{Counters, Discard};
use crate::stage::{CallbackState, Effect};
use crate::sync::Arc;
use crate::trace::in_span;

/// A handler, the recipe that remakes it, and the policy for its failures.
pub(crate) struct Caller<H: EachEvent> {
    recipe: HandlerRecipe<H>,
    handler: H,
    policy: FailurePolicy<H::In>,
    /// Number of calls so far; seeds the jitter of retries.
    calls: u64,
}

/// Makes a handler: when the stage starts, and after each panic.
pub(crate) type HandlerRecipe<H> = Arc<dyn Fn() -> Result<H, BoxError> + Send + Sync>;

/// The failed events of one batch.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    discarded: usize,
    rejected: usize,
    last: Option<EventError>,
    /// The reason with which the stage fails after this batch.
    exit: Option<ExitReason>,
    /// Whether a failure said that the target is overloaded, retried ones included.
    overloaded: bool,
}

/// Outcome of one event.
pub(crate) enum Called<Out> {
    /// The event was handled.
    Done(Option<Out>, Token),
    /// The event failed, and the policy was applied.
    Lost,
    /// The event failed, and the stage handles no more events.
    Over,
}

/// Outcome of one attempt.
pub(crate) enum Attempted<In, Out> {
    /// There is no other attempt.
    Ended(Called<Out>),
    /// The event failed, and its next attempt is due after a delay.
    Again(Again<In>),
}

/// An event before its next attempt.
pub(crate) struct Again<In> {
    pub(crate) event: In,
    pub(crate) token: Token,
    /// The number of attempts so far.
    pub(crate) attempts: u32,
    pub(crate) delay: Duration,
}

impl<H: EachEvent> Caller<H> {
    pub(crate) fn new(recipe: HandlerRecipe<H>, policy: FailurePolicy<H::In>) -> Result<Self, BoxError> {
        Ok(Self { handler: recipe()?, recipe, policy: policy.configured(), calls: 0 })
    }

    /// Handles one event and applies the policy to its failure, which does not retry.
    pub(crate) async fn call(
        &mut self,
        event: H::In,
        token: Token,
        state: &mut CallbackState,
        losses: &mut Losses,
    ) -> Called<H::Out> {
        match self.attempt(event, token, 0, state, losses).await {
            Attempted::Ended(called) => called,
            Attempted::Again(_) => {
                debug_assert!(false, "a policy that retries has a pool");
                losses.discarded += 1;
                Called::Lost
            }
        }
    }

    /// Makes one attempt, after `attempts` others, and applies the policy to its failure.
    pub(crate) async fn attempt(
        &mut self,
        event: H::In,
        token: Token,
        mut attempts: u32,
        state: &mut CallbackState,
        losses: &mut Losses,
    ) -> Attempted<H::In, H::Out> {
        if state.drain.is_stopped() {
            // This event is left over, as are those after it.
            losses.discarded += 1;
            if attempts == 0 {
                token.give_back();
            }
            return Attempted::Ended(losses.end(ExitReason::Shutdown));
        }
        attempts = u32::saturating_add(attempts, 1);
        self.calls = self.calls.wrapping_add(1);
        let kept = self.policy.keep(&event);
        let began = token.trace().begin_attempt();
        let mut failure = match in_span(token.trace(), self.handle(event)).await {
            Ok(out) => {
                if attempts > 1 {
                    token.trace().end_attempt(attempts, began, None);
                }
                return Attempted::Ended(Called::Done(out, token));
            }
            Err(failure) => failure,
        };
        token.trace().end_attempt(attempts, began, Some(&failure.error));
        losses.overloaded |= failure.error.is_overload();
        if let EventError::Panicked(_) = failure.error {
            state.counters.remade_handler();
            match (self.recipe)() {
                Ok(handler) => self.handler = handler,
                Err(failed) => {
                    losses.lose::<H::Out>(token, failure.error, failure.prospect, Then::Skip);
                    return Attempted::Ended(losses.end(failed.into()));
                }
            }
        }
        if let EventError::Deadline(_) = failure.error {
            state.counters.past_deadline();
        }
        failure.kept = kept.or(failure.kept);
        let decision = self.policy.decide(attempts, &failure, self.calls);
        let Failure { error, prospect, kept } = failure;
        let called = match (decision, kept) {
            (Decision::Again(delay), Some(event)) => {
                let name = state.counters.name();
                tracing::debug!(stage = name, %error, attempts, ?delay, "event failed, retrying");
                state.counters.retried();
                return Attempted::Again(Again { event, token, attempts, delay });
            }
            (Decision::Last(Then::DeadLetter), Some(event)) => {
                let letter = DeadLetter { event, error, attempts, step: Arc::clone(&state.step) };
                let (counters, stopped) = (&state.counters, state.drain.stopped());
                self.set_aside(letter, token, counters, stopped, losses).await
            }
            // `decide` never retries an event that is gone.
            (Decision::Last(then), _) => {
                match then {
                    Then::Skip | Then::DeadLetter => state.counters.skipped(),
                    Then::Restart | Then::Stop => state.counters.fatal(),
                }
                losses.lose(token, error, prospect, then)
            }
            (Decision::Again(_), None) => {
                state.counters.skipped();
                losses.lose(token, error, prospect, Then::Skip)
            }
        };
        Attempted::Ended(called)
    }

    /// Calls the handler; the failure may return the event.
    async fn handle(&mut self, event: H::In) -> Result<Option<H::Out>, Failure<H::In>> {
        let handler = &mut self.handler;
        let call = pin!(async move { handler.handle(event).await });
        let call = catch_panic(call);
        let called = match self.policy.deadline {
            None => call.await,
            Some(deadline) => match timeout(deadline, call).await {
                Ok(called) => called,
                Err(_) => return Err(Failure::unexplained(EventError::Deadline(deadline))),
            },
        };
        match called {
            Ok(Ok(out)) => Ok(out),
            Ok(Err(error)) => Err(self.policy.read(error)),
            Err(payload) => Err(Failure::unexplained(EventError::Panicked(panic_message(&*payload)))),
        }
    }

    /// Sends a dead letter. A failure to do so, including a letter not accepted before the stage is stopped,
    /// affects only this event.
    async fn set_aside(
        &mut self,
        letter: DeadLetter<H::In>,
        token: Token,
        counters: &Counters,
        stopped: impl Future<Output = ()>,
        losses: &mut Losses,
    ) -> Called<H::Out> {
        let Some(letters) = &self.policy.letters else { return Called::Lost };
        let (tracked, reason) = (token.is_tracked(), letter.error.clone());
        let outcome = {
            let delivery = pin!(async { letters.send(token.with_letter(letter, &reason)).await });
            tokio::select! {
                biased;
                outcome = catch_panic(delivery) => outcome,
                () = stopped => Ok(Err("the stage was stopped before the letter was accepted".into())),
            }
        };
        let error = match outcome {
            Ok(Ok(())) => {
                counters.dead_lettered();
                return Called::Lost;
            }
            Ok(Err(error)) => EventError::Failed(Arc::from(error)),
            Err(payload) => EventError::Panicked(panic_message(&*payload)),
        };
        tracing::error!(stage = counters.name(), %error, event = %reason, "cannot deliver a dead letter");
        // The delivery was dropped, and thereby rejected.
        losses.count(tracked, error);
        Called::Lost
    }
}

impl Losses {
    /// Records an event that is neither retried nor sent elsewhere.
    fn lose<Out>(&mut self, token: Token, error: EventError, prospect: Prospect, then: Then) -> Called<Out> {
        self.count(token.is_tracked(), error.clone());
        token.reject(Reason::of(prospect, Arc::new(error.clone())));
        match then {
            Then::Skip | Then::DeadLetter => Called::Lost,
            Then::Restart => {
                self.exit.get_or_insert_with(|| error.into_exit());
                Called::Lost
            }
            Then::Stop => self.end(BoxError::from(Fatal::new(error)).into()),
        }
    }

    #[inline]
    fn count(&mut self, tracked: bool, error: EventError) {
        if tracked {
            self.rejected += 1;
        } else {
            self.discarded += 1;
        }
        self.last = Some(error);
    }

    fn end<Out>(&mut self, reason: ExitReason) -> Called<Out> {
        self.exit = Some(reason);
        Called::Over
    }

    /// Returns whether a failure said that the target is overloaded.
    pub(crate) const fn show_overload(&self) -> bool {
        self.overloaded
    }

    /// Takes the reason with which the stage is to fail, if there is one.
    pub(crate) fn take_exit(&mut self) -> Option<ExitReason> {
        self.exit.take()
    }

    /// Reports the failures of a batch whose last `left` events were not started. If they fail the stage, it
    /// fails after its callback returns, so that the results of the other events are not lost.
    #[inline]
    pub(crate) fn close(mut self, left: usize, state: &mut CallbackState) {
        self.discarded += left;
        if let Some(error) = &self.last {
            let Self { discarded, rejected, .. } = self;
            let name = state.counters.name();
            tracing::warn!(stage = name, %error, discarded, rejected, "events failed");
        }
        state.counters.discarded(Discard::Failed, self.discarded);
        if let Some(reason) = self.exit {
            state.effects.open.push(Effect::Fail(reason));
        }
    }
}
