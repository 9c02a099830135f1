//! The context of a callback: requests to its own stage.

use std::any::Any;
use std::future::Future;
use std::time::Duration;

use tokio::task::yield_now;

use super::effect::{Effects, Timer};
use super::hand_over::Give;
use super::hold::{Hold, Holds};
use super::message::{CallError, Cast, CastOf};
use super::progress::ProducerProgress;
use super::stop_signal::StopSignal;
use crate::ack::{AckOptions, Acknowledger, Collectors, Deliveries};
use crate::base::error::SubscribeError;
use crate::base::options::Pace;
use crate::base::stats::{Counters, Gauges};
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::operator::OperatorRequests;
use crate::wire::{ProducerRef, SubscribeOptions};

/// The result of a stage's initialisation.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer};
/// use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
///
/// /// Reads a file, if there is one.
/// struct Log(Option<std::fs::File>);
///
/// impl Producer for Log {
///     type Event = String;
///
///     async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
///         Ok(if self.0.is_some() { Init::Ready } else { Init::Declined })
///     }
///
///     async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, String>) -> StageResult {
///         out.finish();
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let log = producer(Log(None), StageOptions::named("log")).await?;
/// assert!(log.ended().await.is_normal());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// The stage is ready to work.
    #[default]
    Ready,
    /// The stage declines, because it has nothing to do; it ends normally at once.
    Declined,
}

/// The position of a stage among the copies of its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyOf {
    /// The index of this copy, from 0.
    pub index: usize,
    /// The number of copies, at least 1; of an elastic step, the largest that it may have.
    pub of: usize,
}

/// The part of a stage that its callbacks borrow.
#[derive(Debug)]
pub(crate) struct CallbackState {
    pub(crate) step: Arc<str>,
    pub(crate) copy: CopyOf,
    pub(crate) counters: Arc<Counters>,
    pub(crate) drain: StopSignal,
    pub(crate) finished: bool,
    pub(crate) pace: Pace,
    pub(crate) effects: Effects,
    pub(crate) holds: Arc<Holds>,
    pub(crate) collectors: Arc<Collectors>,
    pub(crate) trace: StageTrace,
    /// The operator's requests to the stage.
    pub(crate) requests: Arc<OperatorRequests>,
    /// The stage's own mailbox.
    pub(crate) own: Arc<dyn Any + Send + Sync>,
    /// Takes the state of its keys when it leaves, if it hands it over.
    pub(crate) give: Option<Give>,
}

/// Ends the time in which a callback lets other tasks run.
struct GivesWay<'a>(&'a Counters);

impl Drop for GivesWay<'_> {
    fn drop(&mut self) {
        self.0.set_giving_way(false);
    }
}

impl CallbackState {
    /// Lets other tasks run, while the stage has more to do: it does not wait.
    pub(crate) fn give_way(&self) -> impl Future<Output = ()> + Send + use<> {
        let counters = Arc::clone(&self.counters);
        async move {
            counters.set_giving_way(true);
            let _way = GivesWay(&counters);
            yield_now().await;
        }
    }

    /// Records that a batch, or a demand, of `events` is about to be handled.
    #[inline]
    pub(crate) fn begin_batch(&self, events: usize) {
        self.counters.batch();
        self.trace.begin_batch(events);
    }

    /// Returns a state for one part of the stage, while a waiting part borrows this one.
    #[inline]
    pub(crate) fn beside(&self) -> Self {
        Self {
            step: Arc::clone(&self.step),
            copy: self.copy,
            counters: Arc::clone(&self.counters),
            drain: self.drain.clone(),
            finished: false,
            pace: self.pace,
            effects: self.effects.beside(),
            holds: Arc::clone(&self.holds),
            collectors: Arc::clone(&self.collectors),
            trace: self.trace.clone(),
            requests: Arc::clone(&self.requests),
            own: Arc::clone(&self.own),
            give: None,
        }
    }

    /// Moves the requests that callbacks made through this state to `state`.
    #[inline]
    pub(crate) fn leave_to(&mut self, state: &mut Self) {
        state.finished |= std::mem::take(&mut self.finished);
        if !self.effects.open.is_empty() {
            state.effects.open.append(&mut self.effects.open);
        }
    }

    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.drain.left()
    }
}

/// The context of a consumer's callbacks: the stage's place in the pipeline, and requests to the stage.
///
/// ```
/// use stage_core::{Consumer, Context, Events, StageResult};
///
/// /// Ends its pipeline after a number of events.
/// struct First(usize);
///
/// impl Consumer for First {
///     type Event = String;
///
///     async fn handle_events(&mut self, events: Events<'_, String>, cx: &mut Context<'_>) -> StageResult {
///         for line in events.into_iter().take(self.0) {
///             self.0 -= 1;
///             println!("{line}");
///         }
///         if self.0 == 0 {
///             cx.finish();
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A stage may subscribe itself, send itself messages, and show what it does:
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::ack::{AckOptions, Acknowledger, RejectedDelivery};
/// use stage_core::spawn::{StageOptions, consumer};
/// use stage_core::stage::{Cast, ProducerProgress};
/// use stage_core::testing::ManualProducer;
/// use stage_core::{BoxError, Consumer, Context, Emitter, Events, Init, Nothing, ProducerRef, StageResult, SubscribeOptions};
///
/// struct Requests;
///
/// impl Acknowledger for Requests {
///     type Receipt = u64;
///
///     async fn settle(&mut self, _: &[u64], _: &[RejectedDelivery<u64>]) -> Result<(), BoxError> {
///         Ok(())
///     }
/// }
///
/// struct Store(ProducerRef<u32>);
///
/// /// The time to write what is collected.
/// struct Flush;
///
/// impl Consumer for Store {
///     type Event = u32;
///
///     async fn init(&mut self, cx: &mut Context<'_>) -> Result<Init, BoxError> {
///         println!("{}, copy {} of {}", cx.name(), cx.copy().index, cx.copy().of);
///         cx.subscribe(&self.0, SubscribeOptions::new())?;
///         cx.hear_progress::<Self>()?;
///         cx.schedule::<Self, _>(Duration::from_secs(60), Flush)?;
///         cx.set_waiting_for(Some("the disk"));
///         let (gauges, draining, hold) = (cx.gauges(), cx.draining(), cx.hold());
///         // Requests that come beside the events are acknowledged, too.
///         let requests = cx.acknowledge_by(Requests, AckOptions::new());
///         tokio::spawn(async move {
///             gauges.set("files", 1);
///             requests.deliver([("compact", 1)]).for_each(|request| request.acknowledge());
///             draining.await;
///             drop(hold);
///         });
///         Ok(Init::Ready)
///     }
///
///     async fn handle_events(&mut self, _: Events<'_, u32>, _: &mut Context<'_>) -> StageResult {
///         Ok(())
///     }
/// }
///
/// impl Cast<Flush> for Store {
///     type Out = Nothing;
///
///     async fn handle_cast(&mut self, _: Flush, out: &mut Emitter<'_, Nothing>) -> StageResult {
///         out.set_waiting_for(None);
///         Ok(())
///     }
/// }
///
/// impl Cast<ProducerProgress> for Store {
///     type Out = Nothing;
///
///     async fn handle_cast(&mut self, told: ProducerProgress, _: &mut Emitter<'_, Nothing>) -> StageResult {
///         println!("all events before {} are here", told.progress.reached);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let mut source = ManualProducer::spawn(StageOptions::named("source")).await;
/// let store = consumer(Store(source.producer()), StageOptions::named("store")).await?;
/// assert_eq!(&*source.next_subscriber().await.consumer(), "store");
/// store.drain_soon();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) state: &'a mut CallbackState,
}

impl Context<'_> {
    /// Ends this stage after the callback: it takes no more events.
    ///
    /// Events that were sent to it and not handled are discarded and counted. When all consumers of a
    /// pipeline's stage have finished, that stage finishes too.
    pub fn finish(&mut self) {
        self.state.finished = true;
    }

    /// Waits until the stage is asked to drain or to stop, or until no subscriber wants its events any more.
    /// Returns at once if that has happened already.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again at any time.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.state.draining()
    }

    /// Makes this stage handle `message` after a delay, by its `handle_cast`, between its other callbacks.
    /// The first type argument is the stage itself: `cx.schedule::<Self, _>(…)`.
    ///
    /// # Errors
    ///
    /// [`CallError::OtherStage`] if `S` is not the type of this stage.
    pub fn schedule<S, M>(&mut self, after: Duration, message: M) -> Result<Timer, CallError>
    where
        S: Cast<M>,
        M: Send + 'static,
    {
        self.state.effects.schedule::<S, S::Out>(after, Box::new(CastOf(message)))
    }

    /// Makes this stage handle the event-time progress of its producers, by its `handle_cast` of
    /// [`ProducerProgress`]: `cx.hear_progress::<Self>()` in `init`. The progress arrives behind the events that
    /// the producer sent before it, needs no demand, and may skip all but the latest.
    ///
    /// # Errors
    ///
    /// [`CallError::OtherStage`] if `S` is not the type of this stage.
    pub fn hear_progress<S: Cast<ProducerProgress>>(&mut self) -> Result<(), CallError> {
        self.state.effects.hear_progress::<S>()
    }

    /// Makes this stage subscribe to `producer` as soon as this callback has returned.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Window`] if the demand window is invalid, [`SubscribeError::OtherEvents`] if this
    /// stage takes events of another type. `handle_cancel` reports whether the producer refused.
    pub fn subscribe<E: Send + 'static>(
        &mut self,
        producer: &ProducerRef<E>,
        options: SubscribeOptions<E>,
    ) -> Result<(), SubscribeError> {
        self.state.effects.subscribe(producer, options)
    }

    /// Names what this stage waits for outside of the pipeline, such as a server that is away; `None` once it has it.
    /// See [`Emitter::set_waiting_for`](super::Emitter::set_waiting_for).
    #[inline]
    pub fn set_waiting_for(&mut self, what: Option<&str>) {
        self.state.counters.set_waiting_for(what);
    }

    /// Returns the gauges of this stage: values that its code shows. See
    /// [`Emitter::gauges`](super::Emitter::gauges).
    #[inline]
    pub fn gauges(&self) -> Gauges {
        self.state.counters.gauges.handle()
    }

    /// Keeps this stage from ending by itself until the [`Hold`] is dropped.
    pub fn hold(&self) -> Hold {
        self.state.holds.hold()
    }

    /// Starts a collector for this stage, and returns its counterpart, with which the stage makes
    /// [deliveries](crate::ack::Delivery). The collector outlives the stage until all deliveries are judged.
    pub fn acknowledge_by<A: Acknowledger>(
        &mut self,
        acknowledger: A,
        options: AckOptions,
    ) -> Deliveries<A::Receipt> {
        let CallbackState { collectors, step, trace, requests, .. } = &*self.state;
        collectors.start(acknowledger, options, step, trace.clone(), requests)
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
