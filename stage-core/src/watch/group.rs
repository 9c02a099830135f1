//! Stages that were spawned by hand, watched and steered as one pipeline.

use std::fmt;
use std::time::Duration;

use super::hand_made::topology;
use super::steering::Steering;
use crate::base::stats::{EventTime, EventTimes};
use crate::pipeline::handle::{Monitor, StageRef};
use crate::supervise::{Command, EndGuard, Ending, Lifecycle, StageEntry};
use crate::sync::Arc;

/// Declares a [`Group`]: its stages, and the meaning of a drain and a stop.
#[must_use = "a group is created by `watch`"]
pub struct GroupBuilder {
    name: String,
    stages: Vec<Arc<StageEntry>>,
    drain: Box<dyn Fn(Duration) + Send + Sync>,
    stop: Box<dyn Fn() + Send + Sync>,
    event_times: Option<Box<dyn Fn() -> Vec<EventTime> + Send + Sync>>,
}

/// Stages that were spawned by hand, watched and steered as one pipeline.
///
/// Their owner tells the group when a drain or a stop begins, and how the stages ended. Dropping the group
/// before that ends it as failed; the stages run on.
///
/// ```
/// use stage_core::spawn::{StageOptions, consumer, producer};
/// use stage_core::stage::{ForEach, FromIter};
/// use stage_core::watch::{Board, Ending, Group};
/// use stage_core::{ExitReason, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = producer(FromIter::new(0_u64..), StageOptions::named("numbers")).await?;
/// let sink = consumer(ForEach::new(|_: u64| ()), StageOptions::named("sink")).await?;
/// sink.subscribe(&numbers.producer(), SubscribeOptions::new()).await?;
///
/// let (one, two) = (numbers.clone(), sink.clone());
/// let group = Group::named("by hand")
///     .stage(&numbers)
///     .stage(&sink)
///     .on_stop(move || {
///         one.stop_soon(ExitReason::Shutdown);
///         two.stop_soon(ExitReason::Shutdown);
///     })
///     .watch();
/// let board = Board::new();
/// board.add("by hand", &group)?;
///
/// group.steering().stop()?;
/// numbers.ended().await;
/// sink.ended().await;
/// group.ended(Ending::Stopped);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Group {
    monitor: Monitor,
    guard: EndGuard,
}

impl Group {
    /// Begins the declaration of a group.
    pub fn named(name: impl Into<String>) -> GroupBuilder {
        GroupBuilder {
            name: name.into(),
            stages: Vec::new(),
            drain: Box::new(|_| ()),
            stop: Box::new(|| ()),
            event_times: None,
        }
    }

    /// Returns the reader of the stages' statistics.
    #[inline]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the control of the stages.
    #[inline]
    pub fn steering(&self) -> Steering {
        Steering::of(&self.monitor)
    }

    /// Notes that the stages are being drained. Ends every pause, which would hold the drain up, and allows no
    /// new one.
    #[inline]
    pub fn draining(&self) {
        self.monitor.lifecycle.drains(|| {
            for stage in &*self.monitor.stages {
                stage.control.requests().into_iter().for_each(|requests| requests.set_paused(false));
            }
        });
    }

    /// Notes that the stages are being stopped.
    #[inline]
    pub fn stopping(&self) {
        self.monitor.lifecycle.stops();
    }

    /// Notes how the stages ended. The first call counts.
    #[inline]
    pub fn ended(&self, ending: Ending) {
        self.guard.0.end(ending);
    }
}

impl GroupBuilder {
    /// Adds a stage. A name of the form `step/number` makes it a copy of that step.
    pub fn stage<S, In, Out>(mut self, stage: &StageRef<S, In, Out>) -> Self
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        self.stages.push(Arc::new(stage.entry()));
        self
    }

    /// Sets what [`Steering::drain`] does. Default: nothing.
    pub fn on_drain(mut self, drain: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        self.drain = Box::new(drain);
        self
    }

    /// Sets what [`Steering::stop`] does. Default: nothing.
    pub fn on_stop(mut self, stop: impl Fn() + Send + Sync + 'static) -> Self {
        self.stop = Box::new(stop);
        self
    }

    /// Sets the function that reads the event time of the partitions. Default: no event time.
    pub fn event_times(mut self, read: impl Fn() -> Vec<EventTime> + Send + Sync + 'static) -> Self {
        self.event_times = Some(Box::new(read));
        self
    }

    /// Creates the group. The stages should be connected before: the links of its topology are those that
    /// exist now.
    #[inline]
    pub fn watch(self) -> Group {
        let Self { name, stages, drain, stop, event_times } = self;
        let lifecycle = Lifecycle::begin(None, move |command| match command {
            Command::Drain(deadline) => drain(deadline),
            Command::Stop => stop(),
            // Stages that were spawned by hand are no copies of an elastic step.
            Command::Rescale => {}
        });
        lifecycle.came_up();
        let topology = topology(name, &stages);
        let monitor = Monitor {
            stages: stages.into(),
            topology: Arc::new(topology),
            lifecycle: Arc::clone(&lifecycle),
            exits: Arc::default(),
            event_times: event_times.map(EventTimes::new),
        };
        Group { monitor, guard: EndGuard(lifecycle) }
    }
}

impl fmt::Debug for GroupBuilder {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder")
            .field("name", &self.name)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}
