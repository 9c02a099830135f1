//! Spawns one stage without a pipeline, and returns its address.

use std::any::type_name;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::options::StageOptions;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::future::FutureExt;
use crate::base::options::{Capacity, Placement};
use crate::base::stats::Counters;
use crate::credit::limits::MOST_EVENTS;
use crate::engine::{self, OutputParts, PRODUCER_BUFFER, Ready, Run, Sources, StageSetup};
use crate::pipeline::handle::StageRef;
use crate::runtime::{StageFuture, place};
use crate::stage::{Consumer, CopyOf, Nothing, Producer, ProducerConsumer, StageMailbox};
use crate::supervise::Control;
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::mailbox::Mailbox;
use crate::wire::signal::Signal;

/// The failure of a stage to start.
///
/// ```
/// use stage_core::spawn::{SpawnError, StageOptions, producer};
/// use stage_core::{BoxError, Context, Demand, Emitter, Init, Producer, StageResult};
///
/// struct Remote;
///
/// impl Producer for Remote {
///     type Event = u32;
///
///     async fn init(&mut self, _: &mut Context<'_>) -> Result<Init, BoxError> {
///         Err("no connection".into())
///     }
///
///     async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, u32>) -> StageResult {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error: SpawnError = producer(Remote, StageOptions::named("remote")).await.unwrap_err();
/// assert_eq!(error.to_string(), "the stage `remote` did not start: it failed: no connection");
/// # }
/// ```
#[derive(Clone, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("the stage `{stage}` did not start: it {reason}")]
pub struct SpawnError {
    /// The name of the stage.
    pub stage: String,
    /// The reason.
    #[source]
    pub reason: ExitReason,
}

/// The error for a buffer size that cannot fit into memory.
#[derive(Debug, stage_macros::Error)]
#[error("buffer must be at most {MOST_EVENTS}, got {0}")]
struct TooLarge(usize);

/// Starts a producer; returns when its `init` has succeeded.
///
/// Must be called within a tokio runtime.
///
/// # Errors
///
/// Returns [`SpawnError`] if its `init` fails, or its buffer is larger than 1,000,000,000 events.
///
/// # Cancel safety
///
/// If the future is dropped before it is ready, the stage may keep running.
pub async fn producer<P: Producer>(
    stage: P,
    options: StageOptions<P::Event>,
) -> Result<StageRef<P, Nothing, P::Event>, SpawnError> {
    let run: Run<P, P::Event> = engine::run_producer;
    start(stage, run, PRODUCER_BUFFER, options).await
}

/// Starts a producer-consumer; returns when its `init` has succeeded.
///
/// Must be called within a tokio runtime.
///
/// ```
/// use stage_core::SubscribeOptions;
/// use stage_core::spawn::{StageOptions, producer, producer_consumer};
/// use stage_core::stage::{FromIter, MapEach};
/// use stage_core::testing::ManualConsumer;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let numbers = producer(FromIter::new(1..=3_u32), StageOptions::named("numbers")).await?;
/// let square = MapEach::new(|number: u32| number * number);
/// let square = producer_consumer(square, StageOptions::named("square")).await?;
/// square.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&square.producer(), SubscribeOptions::new()).await?;
/// consumer.ask(3);
/// assert_eq!(consumer.next_batch().await, [1, 4, 9]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns [`SpawnError`] if its `init` fails, or its buffer is larger than 1,000,000,000 events.
///
/// # Cancel safety
///
/// If the future is dropped before it is ready, the stage may keep running.
pub async fn producer_consumer<S: ProducerConsumer>(
    stage: S,
    options: StageOptions<S::Out>,
) -> Result<StageRef<S, S::In, S::Out>, SpawnError> {
    let run: Run<S, S::Out> = engine::run_producer_consumer;
    start(stage, run, Capacity::Unbounded, options).await
}

/// Starts a consumer; returns when its `init` has succeeded.
///
/// Must be called within a tokio runtime.
///
/// # Errors
///
/// Returns [`SpawnError`] if its `init` fails, or its buffer is larger than 1,000,000,000 events.
///
/// # Cancel safety
///
/// If the future is dropped before it is ready, the stage may keep running.
pub async fn consumer<C: Consumer>(
    stage: C,
    options: StageOptions<Nothing>,
) -> Result<StageRef<C, C::Event, Nothing>, SpawnError> {
    let run: Run<C, Nothing> = engine::run_consumer;
    start(stage, run, Capacity::Unbounded, options).await
}

async fn start<S, In, Out>(
    stage: S,
    run: Run<S, Out>,
    capacity: Capacity,
    options: StageOptions<Out>,
) -> Result<StageRef<S, In, Out>, SpawnError>
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    let StageOptions { name, placement, capacity: chosen, keep, mode, pace, on_cancel, dispatcher } = options;
    let name: Arc<str> = name.unwrap_or_else(|| type_name::<S>().to_owned()).into();
    if let Some(Capacity::Bounded(events)) = chosen
        && events > MOST_EVENTS
    {
        let error = TooLarge(events);
        return Err(SpawnError { stage: name.to_string(), reason: ExitReason::Error(Arc::new(error)) });
    }
    let mailbox: Arc<StageMailbox<S, In, Out>> = Mailbox::new(Arc::clone(&name));
    let counters = Arc::clone(mailbox.counters());
    let setup = StageSetup {
        step: Arc::clone(&name),
        copy: CopyOf { index: 0, of: 1 },
        pace,
        queue: Arc::clone(mailbox.queue()),
        own: Arc::clone(&mailbox) as _,
        drain: Flag::default(),
        collectors: Arc::default(),
        trace: StageTrace::default(),
        give: None,
    };
    let capacity = chosen.unwrap_or(capacity);
    let output =
        OutputParts { dispatcher, capacity, keep, subscribers: None, on_cancel, mode, rejected: None };
    let (up, is_up) = oneshot::channel();
    let (go, may_go) = oneshot::channel();
    // A stage without a pipeline waits for no other stages.
    let _ = go.send(());
    let future = run(setup.assemble::<S, In, Out>(stage, Sources::none(), output, Ready { up, go: may_go }));
    let signal = Arc::clone(mailbox.signal());
    let closing = Closing(Arc::clone(mailbox.queue()) as _);
    run_alone(future, placement, signal, counters, closing);
    match is_up.await {
        Ok(_) => Ok(StageRef::new(mailbox)),
        Err(_) => Err(SpawnError { stage: name.to_string(), reason: mailbox.ended().await }),
    }
}

/// Runs a stage without a pipeline. The future is type-erased, so that this function is compiled once instead
/// of once per stage.
#[inline]
fn run_alone(
    future: StageFuture,
    placement: Placement,
    signal: Arc<Signal>,
    counters: Arc<Counters>,
    closing: Closing,
) {
    let run = async move {
        let mut tasks = JoinSet::new();
        let _task = place(&mut tasks, placement, &signal, &counters, future);
        closing.close(match tasks.join_next().await {
            Some(Ok(reason)) => reason,
            Some(Err(_)) | None => ExitReason::Aborted,
        });
    };
    // Boxed, so that it is spawned as the same type as a pipeline's supervisor.
    tokio::spawn(run.boxed());
}

/// Closes the mailbox of a stage when it ends, even if the runtime drops the stage.
struct Closing(Arc<dyn Control>);

impl Closing {
    fn close(&self, reason: ExitReason) {
        self.0.close(reason);
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        // The first reason counts.
        self.0.close(ExitReason::Aborted);
    }
}
