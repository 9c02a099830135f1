//! Options of a stage for buffering, placement, restarts and demand, as plain values.

use crate::base::error::ExitReason;

/// The number of events without demand that a stage buffers.
///
/// ```
/// use stage_core::spawn::StageOptions;
/// use stage_core::{Capacity, Keep};
///
/// // The newest thousand events wait for subscribers.
/// let options = StageOptions::<u32>::named("prices").buffer(Capacity::Bounded(1000)).keep(Keep::Last);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// At most this many, up to 1,000,000,000. [`Keep`] decides which events are discarded beyond it; they
    /// are counted and reported.
    Bounded(usize),
    /// No limit.
    Unbounded,
}

/// The events that a full buffer keeps.
///
/// ```
/// use stage_core::pipeline;
///
/// pipeline! {
///     Prices() {
///         start  0..10_u32;
///         // Events that have been made and not asked for: the oldest are kept.
///         step   |price| price * 2, buffer: 1000, keep: first;
///         finish |price| println!("{price}");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Keep {
    /// The oldest: new events are discarded.
    First,
    /// The newest: the oldest are discarded.
    #[default]
    Last,
}

/// The threads that run a stage's callbacks. Their order and meaning do not depend on it.
///
/// ```
/// use stage_core::{Pipeline, Placement, StepOptions};
///
/// let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
/// let pipeline = Pipeline::builder("files")
///     .start_fn("paths", || Ok(["a.txt".to_owned(), "b.txt".to_owned()]))
///     .step_fn(StepOptions::named("read").placement(Placement::Blocking), read)
///     .finish_fn("print", |text| println!("{text}"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Placement {
    /// The runtime's worker threads, as a task. For callbacks that await or are short.
    ///
    /// On a multi-thread runtime, one task polls several stages in turn as long as their callbacks take less
    /// than a few microseconds, because waking another worker costs more than such a callback. A stage whose
    /// callbacks take longer gets a task of its own again. Do not block in these callbacks: neighbouring
    /// stages may wait behind them.
    #[default]
    Runtime,
    /// A blocking thread of the runtime, dedicated to the stage. For callbacks that block: file systems,
    /// databases, foreign code.
    Blocking,
    /// Rayon's thread pool. For callbacks that compute for long; they may use `par_iter` themselves.
    #[cfg(feature = "rayon")]
    Rayon,
}

/// When a supervisor restarts a child that ended: OTP's restart types.
///
/// A stage of a pipeline stays finished, whatever its restart type, once it
/// [finished](crate::Emitter::finish) or its producers did, because all of its events were handled. A child
/// of a [`Supervisor`](crate::Supervisor) that ends normally is restarted if it is permanent.
///
/// ```
/// use stage_core::pipeline;
///
/// pipeline! {
///     Import() {
///         // A source that fails is not started again; what it has emitted is handled.
///         start  0..10_u32, restart: temporary;
///         finish |number| println!("{number}");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// After a failure, but not after a [normal](ExitReason::is_normal) end, such as a stop that the stage
    /// requested.
    Transient,
    /// Never, not even together with others that a failure restarts. Its end does not count as a restart. The
    /// rest of the pipeline continues; to its producers and consumers, the stage has finished.
    Temporary,
}

impl Restart {
    /// Returns whether a child that ended for `reason` is restarted.
    pub(crate) fn returns(self, reason: &ExitReason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_normal(),
            Self::Temporary => false,
        }
    }
}

/// The effect of an ended subscription on its subscriber.
///
/// The steps of a pipeline are temporary by default ([`StepOptions::cancel`](crate::StepOptions::cancel)): a
/// step continues with its other producers, and with a failed producer once that is restarted.
///
/// ```
/// use stage_core::{CancelMode, SubscribeOptions};
///
/// // A consumer that stays when this producer is gone, for others to come.
/// let options = SubscribeOptions::<u32>::new().cancel(CancelMode::Temporary);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CancelMode {
    /// The subscriber ends too, whatever the reason.
    #[default]
    Permanent,
    /// The subscriber ends too, unless the subscription ended normally.
    Transient,
    /// The subscriber continues.
    Temporary,
}

/// How far a producer-consumer runs ahead of the demand of its subscribers.
///
/// ```
/// use stage_core::spawn::{StageOptions, producer_consumer};
/// use stage_core::stage::{MapEach, Pace};
/// use stage_core::testing::{ManualConsumer, ManualProducer};
/// use stage_core::SubscribeOptions;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let step = MapEach::new(|number: u32| number * 10);
/// let step = producer_consumer(step, StageOptions::named("step").pace(Pace::Strict)).await?;
/// let source = ManualProducer::spawn(StageOptions::named("source")).await;
/// let window = SubscribeOptions::new().max_demand(4).min_demand(2);
/// step.subscribe(&source.producer(), window).await?;
/// let mut consumer = ManualConsumer::spawn("consumer").await;
/// consumer.subscribe(&step.producer(), SubscribeOptions::new()).await?;
/// source.emit([1, 2, 3, 4]);
/// consumer.ask(1);
/// assert_eq!(consumer.next_batch().await, [10]);
/// // The second half of the four events was not handled: nothing asks for it.
/// assert_eq!(step.inspect().await?.buffered, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As in GenStage: once there is demand, the stage handles all events that its producer sent together,
    /// and buffers the output that exceeds the demand.
    #[default]
    Message,
    /// The stage handles one batch at a time, and takes the next one only while there is demand. It buffers
    /// at most the output of one batch.
    Strict,
}

/// Logging of events that a stage discards.
///
/// ```
/// use stage_core::spawn::DiscardLog;
/// use stage_core::{Demand, Emitter, Producer, StageResult};
///
/// /// Emits the readings of a meter, of which only the latest ones matter.
/// struct Meter {
///     discarded: usize,
/// }
///
/// impl Producer for Meter {
///     type Event = f64;
///
///     async fn handle_demand(&mut self, _: Demand, _: &mut Emitter<'_, f64>) -> StageResult {
///         Ok(())
///     }
///
///     fn handle_discarded(&mut self, events: usize) -> DiscardLog {
///         self.discarded += events;
///         DiscardLog::Silent
///     }
/// }
///
/// let mut meter = Meter { discarded: 0 };
/// assert_eq!(meter.handle_discarded(3), DiscardLog::Silent);
/// assert_eq!(meter.discarded, 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiscardLog {
    /// A warning with the number of events and the reason.
    #[default]
    Warn,
    /// Nothing, because the stage handles discards itself.
    Silent,
}

/// Whether a stage's callbacks receive demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DemandMode {
    /// Demand is passed on.
    #[default]
    Forward,
    /// Demand, and events with it, are held back until the mode is set to `Forward`, so that a topology can
    /// be wired before events flow. Events that the stage emits nevertheless are kept in order and without
    /// limit; the buffer's capacity applies once demand is passed on.
    Accumulate,
}

/// The effect of losing the last consumer on a manually spawned stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// It continues and waits for other consumers.
    #[default]
    Continue,
    /// It ends normally. Emitted events that no consumer received [are returned](crate::Producer::take_back)
    /// to it, or are discarded.
    Stop,
}
