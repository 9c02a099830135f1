//! What every callback may ask of its stage.

use std::any::Any;
use std::future::Future;
use std::time::Duration;

use super::hold::{Hold, Holds};
use super::leave::Leave;
use super::message::{CallError, Cast, CastOf};
use super::wish::{Timer, Wishes};
use crate::ack::{AckOptions, Acknowledger, Collectors, Deliveries};
use crate::base::error::SubscribeError;
use crate::base::options::Pace;
use crate::base::stats::Counters;
use crate::sync::Arc;
use crate::wire::{ProducerRef, SubscribeOptions};

/// How a stage came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// It is ready to work.
    #[default]
    Ready,
    /// It declines: there is nothing for it to do, and it ends normally at once.
    Declined,
}

/// Which of a step's copies a stage is: the first has index 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyOf {
    /// This copy's number, from 0.
    pub index: usize,
    /// How many copies there are, at least 1.
    pub of: usize,
}

/// The part of a stage that its callbacks are lent.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) step: Arc<str>,
    pub(crate) copy: CopyOf,
    pub(crate) counters: Arc<Counters>,
    pub(crate) drain: Leave,
    pub(crate) finished: bool,
    pub(crate) pace: Pace,
    pub(crate) wishes: Wishes,
    pub(crate) holds: Arc<Holds>,
    pub(crate) collectors: Arc<Collectors>,
    /// The mailbox of this stage.
    pub(crate) own: Arc<dyn Any + Send + Sync>,
}

impl Core {
    /// A batch, or a demand, of `events` is about to be handled.
    #[inline]
    pub(crate) fn begin_batch(&self, events: usize) {
        tracing::trace!(events, "batch");
        self.counters.batch();
    }

    /// What a part of the stage is lent while another part, which waits, has this.
    pub(crate) fn beside(&self) -> Self {
        Self {
            step: Arc::clone(&self.step),
            copy: self.copy,
            counters: Arc::clone(&self.counters),
            drain: self.drain.clone(),
            finished: false,
            pace: self.pace,
            wishes: self.wishes.beside(),
            holds: Arc::clone(&self.holds),
            collectors: Arc::clone(&self.collectors),
            own: Arc::clone(&self.own),
        }
    }

    /// Leaves to `core` what the callbacks wanted that were lent this.
    #[inline]
    pub(crate) fn leave_to(&mut self, core: &mut Self) {
        core.finished |= std::mem::take(&mut self.finished);
        if !self.wishes.open.is_empty() {
            core.wishes.open.append(&mut self.wishes.open);
        }
    }

    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.drain.left()
    }
}

/// What the callbacks of a consumer are lent: its place in the pipeline, and a way to finish.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) core: &'a mut Core,
}

impl Context<'_> {
    /// Ends this stage after the callback: it wants no more events, ever.
    ///
    /// What was sent to it and not handled is discarded and counted. When all consumers of a stage in a
    /// pipeline have finished, that stage finishes too.
    pub fn finish(&mut self) {
        self.core.finished = true;
    }

    /// Resolves when the stage is asked to drain or to stop, or when nobody wants its events any more; at
    /// once if it was already.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and made anew at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.core.draining()
    }

    /// Has this stage handle `message` after some time, by its `handle_cast`, between its other callbacks.
    /// The first argument type is the stage itself: `cx.schedule::<Self, _>(…)`.
    ///
    /// # Errors
    ///
    /// [`CallError::OtherStage`] if `S` is not the type of this stage.
    pub fn schedule<S, M>(&mut self, after: Duration, message: M) -> Result<Timer, CallError>
    where
        S: Cast<M>,
        M: Send + 'static,
    {
        self.core.wishes.schedule::<S, S::Out>(after, Box::new(CastOf(message)))
    }

    /// Has this stage subscribe to `producer`, as soon as this callback has returned.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Window`] if the demand cannot work, [`SubscribeError::OtherEvents`] if this stage
    /// takes other events. What the producer thinks of it, `handle_cancel` learns.
    pub fn subscribe<E: Send + 'static>(
        &mut self,
        producer: &ProducerRef<E>,
        options: SubscribeOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.core.wishes.subscribe(producer, options)
    }

    /// Keeps this stage from ending by itself until the [`Hold`] is dropped.
    pub fn hold(&self) -> Hold {
        self.core.holds.hold()
    }

    /// Starts a collector for what this stage delivers, and returns its other side, by which the stage makes
    /// [deliveries](crate::ack::Delivery). The collector outlives the stage until everything was judged.
    pub fn acknowledge_by<A: Acknowledger>(
        &mut self,
        acknowledger: A,
        options: AckOptions,
    ) -> Deliveries<A::Receipt> {
        self.core.collectors.start(acknowledger, options)
    }

    /// Which copy of its step this stage is.
    pub fn copy(&self) -> CopyOf {
        self.core.copy
    }

    /// The name of its step.
    pub fn name(&self) -> &str {
        &self.core.step
    }
}
