//! Requests that a callback leaves to the engine: timers, queued messages, new subscriptions.

use std::any::{Any, TypeId, type_name};
use std::time::Duration;

use tokio::time::Instant;

use super::message::{CallError, Cast, CastOf, Envelope};
use super::progress::ProducerProgress;
use crate::base::error::{ExitReason, SubscribeError};
use crate::base::moment;
use crate::base::progress::Progress;
use crate::sync::{Arc, AtomicBool, Ordering};
use crate::wire::{ProducerRef, SubscribeOptions};

/// A value whose type the stage knows.
pub(crate) type Erased = Box<dyn Any + Send>;

/// A request that the engine handles after the callback.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Handle a message at this time.
    Timer(Instant, Timer, Erased),
    /// Handle a message after everything that waits in the stage.
    Info(Erased),
    /// Make a subscription.
    Join(Erased),
    /// Announce the stage's progress to all subscribers.
    Progress(Progress),
    /// End for this reason, although the callback itself succeeded.
    Fail(ExitReason),
}

/// A message of a stage to itself, to be handled at a set time.
#[derive(Clone, Debug)]
pub struct Timer {
    cancelled: Arc<AtomicBool>,
}

impl Timer {
    /// Creates a timer that is not cancelled.
    pub(crate) fn new() -> Self {
        Self { cancelled: Arc::default() }
    }

    /// Cancels the message, unless it was handled already. Dropping the timer does not cancel it.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The requests of one stage's callbacks, and the types they must have.
#[derive(Debug)]
pub(crate) struct Effects {
    pub(crate) open: Vec<Effect>,
    /// Makes the message by which the stage handles the progress of a producer, if it registered for that.
    pub(crate) hears_progress: Option<fn(ProducerProgress) -> Erased>,
    /// The name of the stage, and its type.
    name: Arc<str>,
    stage: TypeId,
    input: TypeId,
    input_name: &'static str,
}

impl Effects {
    /// Creates the requests of the stage `name`, an `S` that takes `In`.
    pub(crate) fn of<S: 'static, In: 'static>(name: Arc<str>) -> Self {
        let (stage, input) = (TypeId::of::<S>(), TypeId::of::<In>());
        Self { open: Vec::new(), hears_progress: None, name, stage, input, input_name: type_name::<In>() }
    }

    /// Returns an empty list of requests for the same stage.
    pub(super) fn beside(&self) -> Self {
        Self { open: Vec::new(), name: Arc::clone(&self.name), ..*self }
    }

    pub(super) fn schedule<S: 'static, Out: 'static>(
        &mut self,
        after: Duration,
        message: Box<dyn Envelope<S, Out>>,
    ) -> Result<Timer, CallError> {
        self.check::<S>()?;
        let timer = Timer::new();
        let Some(due) = moment::after(Instant::now(), after) else { return Ok(timer) };
        self.open.push(Effect::Timer(due, timer.clone(), Box::new(message)));
        Ok(timer)
    }

    pub(super) fn info<S: 'static, Out: 'static>(
        &mut self,
        message: Box<dyn Envelope<S, Out>>,
    ) -> Result<(), CallError> {
        self.check::<S>()?;
        self.open.push(Effect::Info(Box::new(message)));
        Ok(())
    }

    pub(super) fn hear_progress<S: Cast<ProducerProgress>>(&mut self) -> Result<(), CallError> {
        self.check::<S>()?;
        self.hears_progress = Some(|progress| {
            let message: Box<dyn Envelope<S, S::Out>> = Box::new(CastOf(progress));
            Box::new(message)
        });
        Ok(())
    }

    pub(super) fn subscribe<E: Send + 'static>(
        &mut self,
        producer: &ProducerRef<E>,
        options: SubscribeOptions<E>,
    ) -> Result<(), SubscribeError> {
        if self.input != TypeId::of::<E>() {
            return Err(SubscribeError::OtherEvents {
                producer: producer.name().to_string(),
                emits: type_name::<E>(),
                takes: self.input_name,
            });
        }
        self.open.push(Effect::Join(Box::new(options.join(producer)?)));
        Ok(())
    }

    fn check<S: 'static>(&self) -> Result<(), CallError> {
        if self.stage == TypeId::of::<S>() {
            return Ok(());
        }
        Err(CallError::OtherStage { stage: self.name.to_string(), expected: type_name::<S>() })
    }
}

/// Returns the value of a request or a message, whose type was checked when it was made.
pub(crate) fn downcast<T: 'static>(erased: Erased) -> Option<T> {
    let value = erased.downcast().ok().map(|value| *value);
    debug_assert!(value.is_some(), "the type of a value is checked when it is erased");
    value
}
