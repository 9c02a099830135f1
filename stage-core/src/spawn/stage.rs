//! Spawns one stage without a pipeline, and returns its address.

use std::any::{Any, type_name};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::options::StageOptions;
use crate::base::error::ExitReason;
use crate::base::flag::Flag;
use crate::base::future::{BoxFuture, FutureExt};
use crate::base::options::{Capacity, Pace, Placement};
use crate::credit::limits::MOST_EVENTS;
use crate::engine::{self, OutputParts, PRODUCER_BUFFER, Ready, Run, Sources, StageSetup};
use crate::pipeline::handle::StageRef;
use crate::runtime::{StageFuture, place};
use crate::stage::{Consumer, CopyOf, Nothing, Producer, ProducerConsumer, StageMailbox};
use crate::supervise::Control;
use crate::sync::Arc;
use crate::trace::StageTrace;
use crate::wire::mailbox::{MailQueue, Mailbox};

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
    let (mailbox, begun) = start(stage, run, PRODUCER_BUFFER, options);
    begun.await?;
    Ok(StageRef::new(mailbox))
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
    let (mailbox, begun) = start(stage, run, Capacity::Unbounded, options);
    begun.await?;
    Ok(StageRef::new(mailbox))
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
    let (mailbox, begun) = start(stage, run, Capacity::Unbounded, options);
    begun.await?;
    Ok(StageRef::new(mailbox))
}

/// Returns the address of a stage, and the future that starts it.
fn start<S, In, Out>(
    stage: S,
    run: Run<S, Out>,
    capacity: Capacity,
    options: StageOptions<Out>,
) -> (Arc<StageMailbox<S, In, Out>>, Starting)
where
    S: Send + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    let StageOptions { name, placement, capacity: chosen, keep, mode, pace, on_cancel, dispatcher } = options;
    let name: Arc<str> = name.unwrap_or_else(|| type_name::<S>().to_owned()).into();
    let mailbox: Arc<StageMailbox<S, In, Out>> = Mailbox::new(name);
    let capacity = chosen.unwrap_or(capacity);
    let make: Make = Box::new(move |setup, ready| {
        let output =
            OutputParts { dispatcher, capacity, keep, subscribers: None, on_cancel, mode, rejected: None };
        run(setup.assemble::<S, In, Out>(stage, Sources::none(), output, ready))
    });
    let (queue, own) = (Arc::clone(mailbox.queue()), Arc::clone(&mailbox));
    let begun = begin(Beginning { queue, own, chosen, pace, placement }, make);
    (mailbox, begun)
}

/// Assembles a stage whose types are known where it was made, and makes its future.
type Make = Box<dyn FnOnce(&StageSetup, Ready) -> StageFuture + Send>;

/// Starts a stage; ready when its `init` has succeeded.
type Starting = BoxFuture<'static, Result<(), SpawnError>>;

/// The parts of a stage without a pipeline that do not depend on its types.
struct Beginning {
    queue: Arc<MailQueue>,
    own: Arc<dyn Any + Send + Sync>,
    chosen: Option<Capacity>,
    pace: Pace,
    placement: Placement,
}

/// Starts the stage of `make`; returns when its `init` has succeeded. Without its types, so that this function is compiled
/// once instead of once per stage.
#[inline]
fn begin(stage: Beginning, make: Make) -> Starting {
    Box::pin(async move {
        let Beginning { queue, own, chosen, pace, placement } = stage;
        let name = Arc::clone(queue.name());
        if let Some(Capacity::Bounded(events)) = chosen
            && events > MOST_EVENTS
        {
            let error = TooLarge(events);
            return Err(SpawnError { stage: name.to_string(), reason: ExitReason::Error(Arc::new(error)) });
        }
        let setup = StageSetup {
            step: Arc::clone(&name),
            copy: CopyOf { index: 0, of: 1 },
            pace,
            queue: Arc::clone(&queue),
            own,
            drain: Flag::default(),
            collectors: Arc::default(),
            trace: StageTrace::default(),
            give: None,
        };
        let (up, is_up) = oneshot::channel();
        let (go, may_go) = oneshot::channel();
        // A stage without a pipeline waits for no other stages.
        let _ = go.send(());
        let future = make(&setup, Ready { up, go: may_go });
        drop(setup);
        run_alone(future, placement, &queue);
        match is_up.await {
            Ok(_) => Ok(()),
            Err(_) => Err(SpawnError { stage: name.to_string(), reason: queue.ended().await }),
        }
    })
}

/// Runs a stage without a pipeline.
#[inline]
fn run_alone(future: StageFuture, placement: Placement, queue: &Arc<MailQueue>) {
    let (signal, counters) = (Arc::clone(queue.signal()), Arc::clone(queue.counters()));
    let closing = Closing(Arc::clone(queue) as _);
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
