//! How a callback emits events.

use std::future::Future;
use std::time::Duration;

use super::context::{CopyOf, Core};
use super::events::Events;
use super::hold::Hold;
use super::message::{CallError, Cast, CastOf};
use super::wish::Timer;
use crate::base::error::SubscribeError;
use crate::sync::{Mutex, lock};
use crate::wire::{ProducerRef, SubscribeOptions};

/// The event of a stage that emits none; it has no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {}

/// Takes what a callback emits, and is its context.
///
/// Events go out in the order in which they were emitted, when the callback returns or when it calls
/// [`flush`](Emitter::flush). Emitting needs no demand: what nobody asked for yet is buffered.
#[derive(Debug)]
pub struct Emitter<'a, E> {
    pub(crate) buffer: &'a mut Vec<E>,
    /// What was flushed while the callback runs; the engine takes it whenever the callback waits.
    pub(crate) flushed: &'a Mutex<Vec<E>>,
    pub(crate) core: &'a mut Core,
}

impl<E> Emitter<'_, E> {
    /// Emits one event. For many, [`extend`](Self::extend) costs a fraction of this per event.
    pub fn emit(&mut self, event: E) {
        self.buffer.push(event);
    }

    /// Emits every event of an iterator.
    ///
    /// This is `Vec::extend` on a buffer the engine owns: an iterator that knows its length is written
    /// without a check per event.
    pub fn extend<I: IntoIterator<Item = E>>(&mut self, events: I) {
        self.buffer.extend(events);
    }

    /// Emits every event of a batch, as it is now. If nothing was emitted before, no event is moved: the batch
    /// goes on in its own buffer, and another goes back to its producer.
    ///
    /// ```
    /// use stage_core::{Emitter, Events, ProducerConsumer, StageResult};
    ///
    /// struct Double;
    ///
    /// impl ProducerConsumer for Double {
    ///     type In = u64;
    ///     type Out = u64;
    ///
    ///     async fn handle_events(&mut self, mut events: Events<'_, u64>, out: &mut Emitter<'_, u64>) -> StageResult {
    ///         events.as_mut_slice().iter_mut().for_each(|number| *number *= 2);
    ///         out.forward(events);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn forward(&mut self, events: Events<'_, E>) {
        let Events { buffer, .. } = events;
        if self.buffer.is_empty() {
            std::mem::swap(self.buffer, buffer);
        } else {
            self.buffer.append(buffer);
        }
    }

    /// Hands over what was emitted so far at the callback's next `await`, instead of at its end. For
    /// callbacks that are about to wait for long.
    pub fn flush(&mut self) {
        lock(self.flushed).append(self.buffer);
    }

    /// Ends this stage after the callback: it will emit nothing ever again.
    ///
    /// What is emitted and buffered is still delivered; then every consumer sees the end. While nobody subscribes, what
    /// is buffered waits for somebody, and the stage with it: to end it all the same, [stop](crate::StageRef::stop) it,
    /// or spawn it with [`OnCancel::Stop`](crate::OnCancel), with which it ends when its last consumer leaves.
    pub fn finish(&mut self) {
        self.core.finished = true;
    }

    /// How many events this stage's subscribers want and did not get yet, emitted events included.
    pub fn demand(&self) -> usize {
        self.core.counters.demand()
    }

    /// Resolves when the stage is asked to drain or to stop, or when nobody wants its events any more; at
    /// once if it was already. A producer that waits for
    /// its source should race this.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and made anew at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.core.draining()
    }

    /// Has this stage handle `message` after some time, by its `handle_cast`, between its other callbacks.
    /// The first type is the stage itself:
    ///
    /// ```
    /// use std::time::Duration;
    /// use stage_core::{Cast, Demand, Emitter, Producer, StageResult};
    ///
    /// /// Makes one event a second, however many are wanted.
    /// struct Clock {
    ///     wanted: usize,
    /// }
    ///
    /// struct Tick;
    ///
    /// impl Producer for Clock {
    ///     type Event = ();
    ///
    ///     async fn handle_demand(&mut self, demand: Demand, out: &mut Emitter<'_, ()>) -> StageResult {
    ///         if self.wanted == 0 {
    ///             out.schedule::<Self, _>(Duration::from_secs(1), Tick)?;
    ///         }
    ///         self.wanted += demand.get();
    ///         Ok(())
    ///     }
    /// }
    ///
    /// impl Cast<Tick> for Clock {
    ///     type Out = ();
    ///
    ///     async fn handle_cast(&mut self, _: Tick, out: &mut Emitter<'_, ()>) -> StageResult {
    ///         out.emit(());
    ///         self.wanted -= 1;
    ///         if self.wanted > 0 {
    ///             out.schedule::<Self, _>(Duration::from_secs(1), Tick)?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::OtherStage`] if `S` is not the type of this stage.
    pub fn schedule<S, M>(&mut self, after: Duration, message: M) -> Result<Timer, CallError>
    where
        S: Cast<M, Out = E>,
        M: Send + 'static,
        E: 'static,
    {
        self.core.wishes.schedule::<S, E>(after, Box::new(CastOf(message)))
    }

    /// Has this stage handle `message`, by its `handle_cast`, once everything has left that waits in it
    /// when this callback returns: `out.info::<Self, _>(…)`. A stage that has nothing more to emit can
    /// so learn when its subscribers have got it all.
    ///
    /// # Errors
    ///
    /// [`CallError::OtherStage`] if `S` is not the type of this stage.
    pub fn info<S, M>(&mut self, message: M) -> Result<(), CallError>
    where
        S: Cast<M, Out = E>,
        M: Send + 'static,
        E: 'static,
    {
        self.core.wishes.info::<S, E>(Box::new(CastOf(message)))
    }

    /// Has this stage subscribe to `producer`, as soon as this callback has returned.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Window`] if the demand cannot work, [`SubscribeError::OtherEvents`] if this stage
    /// takes other events. What the producer thinks of it, `handle_cancel` learns.
    pub fn subscribe<In: Send + 'static>(
        &mut self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        self.core.wishes.subscribe(producer, options)
    }

    /// Keeps this stage from ending by itself until the [`Hold`] is dropped.
    pub fn hold(&self) -> Hold {
        self.core.holds.hold()
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
