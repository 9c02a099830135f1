//! The emitter of a callback.

mod split;

use std::future::Future;
use std::time::Duration;

use super::context::{CallbackState, CopyOf};
use super::effect::{Effect, Timer};
use super::events::Events;
use super::hold::Hold;
use super::message::{CallError, Cast, CastOf};
use crate::base::error::SubscribeError;
use crate::base::progress::Progress;
use crate::base::stats::Gauges;
use crate::sync::{Mutex, lock};
use crate::wire::{ProducerRef, SubscribeOptions};

/// The event type of a stage that emits none; it has no values.
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::stage::ForEach;
/// use stage_core::{Nothing, StageRef};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let print = ForEach::new(|number: u32| println!("{number}"));
/// let print: StageRef<_, u32, Nothing> = consumer(print, StageOptions::named("print")).await?;
/// assert!(!print.has_ended());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {}

/// Emits events, and is the context of callbacks that emit.
///
/// Events leave in the order in which they were emitted, when the callback returns or calls
/// [`flush`](Emitter::flush). Emitting needs no demand: events without demand are buffered.
///
/// ```
/// use stage_core::{Emitter, Events, ProducerConsumer, StageResult};
///
/// /// Splits lines into words.
/// struct Words;
///
/// impl ProducerConsumer for Words {
///     type In = String;
///     type Out = String;
///
///     async fn handle_events(&mut self, lines: Events<'_, String>, out: &mut Emitter<'_, String>) -> StageResult {
///         for line in lines {
///             out.extend(line.split_whitespace().map(str::to_owned));
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A producer that waits for its source hands over what it has, and ends when it is asked to:
///
/// ```
/// use stage_core::stage::{Cast, CopyOf, Progress};
/// use stage_core::{Demand, Emitter, Producer, StageResult};
/// use tokio::sync::mpsc::Receiver;
///
/// /// Emits readings of a meter, each with its time.
/// struct Meter(Receiver<(i64, u32)>);
///
/// struct AllSent;
///
/// impl Producer for Meter {
///     type Event = u32;
///
///     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u32>) -> StageResult {
///         let CopyOf { index, of } = out.copy();
///         println!("{}, copy {index} of {of}: {} readings are wanted", out.name(), out.demand());
///         let (_hold, draining) = (out.hold(), out.draining());
///         tokio::select! {
///             reading = self.0.recv() => match reading {
///                 Some((time, value)) => {
///                     out.emit(value);
///                     out.announce_progress(Progress { reached: time, idle: false });
///                     out.flush();
///                 }
///                 None => out.info::<Self, _>(AllSent)?,
///             },
///             () = draining => {}
///         }
///         Ok(())
///     }
/// }
///
/// impl Cast<AllSent> for Meter {
///     type Out = u32;
///
///     async fn handle_cast(&mut self, _: AllSent, out: &mut Emitter<'_, u32>) -> StageResult {
///         out.finish();
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Emitter<'a, E> {
    pub(crate) buffer: &'a mut Vec<E>,
    /// Events flushed while the callback runs; the engine takes them whenever the callback waits.
    pub(crate) flushed: &'a Mutex<Vec<E>>,
    pub(crate) state: &'a mut CallbackState,
}

impl<E> Emitter<'_, E> {
    /// Emits one event. For several events, [`extend`](Self::extend) costs a fraction of this per event.
    pub fn emit(&mut self, event: E) {
        self.buffer.push(event);
    }

    /// Emits every event of an iterator.
    ///
    /// This is `Vec::extend` on a buffer owned by the engine: an iterator that knows its length is written
    /// without a check per event.
    pub fn extend<I: IntoIterator<Item = E>>(&mut self, events: I) {
        self.buffer.extend(events);
    }

    /// Emits every event of a batch in its current state. If no other event was emitted before, none is
    /// moved: the batch leaves in its own buffer, and another buffer returns to its producer.
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

    /// Hands over the events emitted so far at the callback's next `await`, instead of at its end. For
    /// callbacks that are about to wait for long.
    pub fn flush(&mut self) {
        lock(self.flushed).append(self.buffer);
    }

    /// Ends this stage after the callback: it will emit nothing more.
    ///
    /// Emitted and buffered events are still delivered; then every consumer sees the end. While there is no
    /// subscriber, buffered events wait for one, and so does the stage: to end it regardless,
    /// [stop](crate::StageRef::stop) it, or spawn it with [`OnCancel::Stop`](crate::spawn::OnCancel), which ends it
    /// when its last consumer leaves.
    pub fn finish(&mut self) {
        self.state.finished = true;
    }

    /// Returns the unmet demand of this stage's subscribers, which events emitted in this callback do not
    /// reduce yet.
    pub fn demand(&self) -> usize {
        self.state.counters.demand()
    }

    /// Waits until the stage is asked to drain or to stop, or until no subscriber wants its events any more.
    /// Returns at once if that has happened already. A producer that waits for its source should race this.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.state.draining()
    }

    /// Makes this stage handle `message` after a delay, by its `handle_cast`, between its other callbacks.
    /// The first type argument is the stage itself:
    ///
    /// ```
    /// use std::time::Duration;
    /// use stage_core::stage::Cast;
    /// use stage_core::{Demand, Emitter, Producer, StageResult};
    ///
    /// /// Emits one event per second while there is demand.
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
        self.state.effects.schedule::<S, E>(after, Box::new(CastOf(message)))
    }

    /// Makes this stage handle `message`, by its `handle_cast`, once every event that waits in it when this
    /// callback returns has left: `out.info::<Self, _>(…)`. A stage with nothing more to emit can thus learn
    /// when its subscribers have received everything.
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
        self.state.effects.info::<S, E>(Box::new(CastOf(message)))
    }

    /// Announces the event-time progress of this stage to all its subscribers, beside its events: each one
    /// learns it behind the events emitted before, as soon as none of them waits for that subscriber's demand.
    /// It needs no demand itself. Of several announcements, a subscriber may see only the latest.
    ///
    /// See [`ProducerProgress`](crate::stage::ProducerProgress) for an example.
    pub fn announce_progress(&mut self, progress: Progress) {
        self.state.effects.open.push(Effect::Progress(progress));
    }

    /// Makes this stage subscribe to `producer` as soon as this callback has returned.
    ///
    /// ```
    /// use stage_core::stage::Cast;
    /// use stage_core::{Emitter, Events, ProducerConsumer, ProducerRef, StageResult, SubscribeOptions};
    ///
    /// /// Joins the events of all producers that it is told of.
    /// struct Merge;
    ///
    /// impl ProducerConsumer for Merge {
    ///     type In = u32;
    ///     type Out = u32;
    ///
    ///     async fn handle_events(&mut self, events: Events<'_, u32>, out: &mut Emitter<'_, u32>) -> StageResult {
    ///         out.forward(events);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// impl Cast<ProducerRef<u32>> for Merge {
    ///     type Out = u32;
    ///
    ///     async fn handle_cast(&mut self, source: ProducerRef<u32>, out: &mut Emitter<'_, u32>) -> StageResult {
    ///         Ok(out.subscribe(&source, SubscribeOptions::new())?)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Window`] if the demand window is invalid, [`SubscribeError::OtherEvents`] if this
    /// stage takes events of another type. `handle_cancel` reports whether the producer refused.
    pub fn subscribe<In: Send + 'static>(
        &mut self,
        producer: &ProducerRef<In>,
        options: SubscribeOptions<In>,
    ) -> Result<(), SubscribeError> {
        self.state.effects.subscribe(producer, options)
    }

    /// Names what this stage waits for outside of the pipeline, such as a server that is away; `None` once it has it.
    /// [`Monitor::stalls`](crate::pipeline::Monitor::stalls), snapshots and the [status](crate::watch::Status) on a
    /// board show the text.
    ///
    /// ```
    /// # use stage_core::{Demand, Emitter, Producer, StageResult};
    /// # struct Remote;
    /// # impl Remote { async fn connect(&self) -> Result<(), std::io::Error> { Ok(()) } }
    /// # impl Producer for Remote {
    /// #     type Event = u64;
    /// async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
    ///     while let Err(error) = self.connect().await {
    ///         out.set_waiting_for(Some(&format!("the server db:5432: {error}")));
    ///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///     }
    ///     out.set_waiting_for(None);
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn set_waiting_for(&mut self, what: Option<&str>) {
        self.state.counters.set_waiting_for(what);
    }

    /// Returns the gauges of this stage: values that its code shows in [statistics](crate::stats::StageStats::gauges),
    /// snapshots, metrics and on the panel, such as the lag of a partition. A stage that has no handle has no gauges.
    ///
    /// ```
    /// use stage_core::stats::Gauges;
    /// use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
    ///
    /// struct Log {
    ///     gauges: Option<Gauges>,
    /// }
    ///
    /// impl Producer for Log {
    ///     type Event = u64;
    ///
    ///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
    ///         self.gauges = Some(cx.gauges());
    ///         Ok(Init::Ready)
    ///     }
    ///
    ///     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, u64>) -> StageResult {
    ///         out.gauges().set_of("lag", "partition 3", 17);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn gauges(&self) -> Gauges {
        self.state.counters.gauges.handle()
    }

    /// Keeps this stage from ending by itself until the [`Hold`] is dropped.
    pub fn hold(&self) -> Hold {
        self.state.holds.hold()
    }

    /// Returns the index of this stage among the copies of its step.
    pub fn copy(&self) -> CopyOf {
        self.state.copy
    }

    /// Returns the name of the step.
    pub fn name(&self) -> &str {
        &self.state.step
    }
}
