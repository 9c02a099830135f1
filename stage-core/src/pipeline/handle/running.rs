//! The handle of a running pipeline.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::monitor::Monitor;
use super::scaling;
use super::stage_ref::StageRef;
use super::stall::Stall;
use super::stalled;
use crate::base::error::{ExitReason, panic_message};
use crate::base::future::{BoxFuture, FutureExt, catch_panic};
use crate::base::option_error::OptionError;
use crate::base::stats::StageStats;
use crate::pipeline::Topology;
use crate::stage::{CallError, Consumer, Nothing, Producer, ProducerConsumer};
use crate::supervise::{
    Child, Command, EndGuard, Ending, Lifecycle, PipelineError, Plan, Report, StageEntry, Supervision,
};
use crate::sync::Arc;

/// The failure of a pipeline to start.
///
/// ```
/// use stage_core::pipeline::ExitKind;
/// use stage_core::{Pipeline, StartError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let pipeline = Pipeline::builder("import")
///     .start_fn("lines", || std::fs::read_dir("/no such directory").map_err(Into::into))
///     .finish_fn("print", |entry| println!("{entry:?}"));
/// let Err(StartError::Stage { stage, reason, .. }) = pipeline.start().await else { panic!("it starts") };
/// assert_eq!((&*stage, reason.kind()), ("lines/0", ExitKind::Error));
/// # }
/// ```
#[derive(Clone, stage_macros::ErrorDebug, stage_macros::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Options are invalid.
    #[error("the pipeline `{pipeline}` cannot start: {}", list(errors))]
    Options {
        /// The name of the pipeline.
        pipeline: String,
        /// All invalid options.
        errors: Vec<OptionError>,
    },
    /// A recipe or an `init` failed.
    #[error("the pipeline `{pipeline}` cannot start: the stage `{stage}` {reason}")]
    Stage {
        /// The name of the pipeline.
        pipeline: String,
        /// The stage that failed to come up, as `step/copy`.
        stage: String,
        /// The reason.
        #[source]
        reason: ExitReason,
    },
}

fn list(errors: &[OptionError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A running pipeline or [`Supervisor`](crate::Supervisor). Dropping it stops the pipeline.
///
/// ```
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let pipeline = Pipeline::builder("count").start_fn("numbers", || Ok(0_u64..)).finish_fn("drop", drop);
/// let running = pipeline.start().await?;
/// println!("{}", running.topology());
/// assert_eq!(running.stats().len(), 2);
/// running.drain(Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
///
/// Its stages can be watched, and addressed by their types:
///
/// ```
/// use std::ops::RangeFrom;
/// use std::time::Duration;
///
/// use stage_core::Pipeline;
/// use stage_core::stage::{FromIter, MapEach};
/// use stage_core::testing::{Probe, settle};
///
/// type Negate = MapEach<fn(u32) -> u32, u32, u32>;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), stage_core::BoxError> {
/// let (probe, _seen) = Probe::hanging();
/// let running = Pipeline::builder("numbers")
///     .start("numbers", || Ok(FromIter::new(0_u32..)))
///     .step("negate", || Ok(Negate::new(u32::wrapping_neg)))
///     .finish("probe", move || Ok(probe.clone()))
///     .start()
///     .await?;
/// let numbers = running.producer::<FromIter<RangeFrom<u32>>>("numbers", 0)?;
/// let negate = running.producer_consumer::<Negate>("negate", 0)?;
/// let probe = running.consumer::<Probe<u32>>("probe", 0)?;
/// assert_eq!([numbers.name(), negate.name(), probe.name()], ["numbers/0", "negate/0", "probe/0"]);
/// settle().await;
/// assert!(!running.stalls(Duration::from_secs(1)).await.is_empty(), "the probe hangs");
/// let monitor = running.monitor();
/// running.stop().await?;
/// assert_eq!(monitor.stats().len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Running {
    topology: Topology,
    commands: mpsc::UnboundedSender<Command>,
    ended: watch::Receiver<Option<Result<Report, PipelineError>>>,
    monitor: Monitor,
}

impl Running {
    pub(crate) async fn start(
        topology: Topology,
        children: Vec<Child>,
        plan: Plan,
    ) -> Result<Self, StartError> {
        let stages = children.iter().map(|child| Arc::new(StageEntry::of(child))).collect();
        let (commands, commanded) = mpsc::unbounded_channel();
        let orders = commands.clone();
        let lifecycle = Lifecycle::begin(Some(plan.intensity), move |command| {
            // A pipeline that has ended ignores commands.
            let _ = orders.send(command);
        });
        let mut supervision = Supervision::new(children, plan, Arc::clone(&lifecycle));
        let exits = supervision.exits();
        let monitor =
            Monitor { stages, topology: Arc::new(topology.clone()), lifecycle, exits, event_times: None };
        supervision.start().await.map_err(|failure| StartError::Stage {
            pipeline: topology.name.clone(),
            stage: failure.stage,
            reason: failure.reason,
        })?;
        let (end, ended) = watch::channel(None);
        let warnings = stalled::warn(monitor.clone(), plan.stalls);
        let scaling = scaling::follow_load(monitor.clone());
        let guard = EndGuard(Arc::clone(&monitor.lifecycle));
        let supervised = async move {
            tokio::select! {
                biased;
                result = supervision.supervise(commanded) => result,
                never = warnings => match never {},
                never = scaling => match never {},
            }
        };
        let run = async move {
            // Not logged: a subscriber that panics would panic again, and the result would be lost.
            let result = catch_panic(pin!(supervised)).await.unwrap_or_else(|payload| {
                Err(PipelineError::SupervisorPanicked { message: panic_message(&*payload) })
            });
            guard.0.end(Ending::of(&result));
            end.send_replace(Some(result));
        };
        tokio::spawn(run.boxed());
        Ok(Self { topology, commands, ended, monitor })
    }

    pub(crate) fn command(&self, command: Command) {
        // A pipeline that has ended ignores commands.
        let _ = self.commands.send(command);
    }

    /// Waits until the pipeline has ended, by itself or on request.
    ///
    /// # Errors
    ///
    /// Returns [`PipelineError::Failed`] if a stage failed more often than the pipeline tolerates,
    /// [`PipelineError::RuntimeGone`] if the runtime was shut down before the end, and
    /// [`PipelineError::SupervisorPanicked`] if the task that supervises the stages panicked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again at any time, from several tasks.
    pub async fn join(&self) -> Result<Report, PipelineError> {
        self.ended().await
    }

    /// [`join`](Self::join), type-erased so that user crates do not compile it again.
    fn ended(&self) -> BoxFuture<'static, Result<Report, PipelineError>> {
        let mut ended = self.ended.clone();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(result) => result.clone().unwrap_or(Err(PipelineError::RuntimeGone)),
                Err(_) => Err(PipelineError::RuntimeGone),
            }
        }
        .boxed()
    }

    /// Ends the sources, lets every stage finish its events in flight, and waits until all have ended. Events
    /// left at the `deadline` are discarded and counted.
    ///
    /// # Errors
    ///
    /// Same as [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The drain continues if this future is dropped.
    pub async fn drain(&self, deadline: Duration) -> Result<Report, PipelineError> {
        self.command(Command::Drain(deadline));
        self.join().await
    }

    /// Waits until the pipeline has ended or `signal` is complete, whichever is first, and then [drains](Self::drain)
    /// what still runs. The output of `signal` is dropped: one that fails drains the pipeline as well.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use stage_core::Pipeline;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), stage_core::BoxError> {
    /// # let pipeline = Pipeline::builder("count").start_fn("numbers", || Ok(0_u64..)).finish_fn("drop", drop);
    /// let running = pipeline.start().await?;
    /// let report = running.drain_after(tokio::signal::ctrl_c(), Duration::from_secs(20)).await?;
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Same as [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time, which drops `signal`. A drain that has begun continues.
    pub async fn drain_after<S: Future>(
        &self,
        signal: S,
        deadline: Duration,
    ) -> Result<Report, PipelineError> {
        tokio::select! {
            biased;
            _ = signal => self.drain(deadline).await,
            result = self.ended() => result,
        }
    }

    /// Ends every stage after its current callback, the last step first, and waits until all have ended.
    /// Events in flight are discarded and counted. A callback that takes longer than 5 seconds is aborted.
    ///
    /// # Errors
    ///
    /// Same as [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The stop continues if this future is dropped.
    pub async fn stop(&self) -> Result<Report, PipelineError> {
        self.command(Command::Stop);
        self.join().await
    }

    /// Returns the statistics of each stage, in the order of the pipeline.
    #[inline]
    pub fn stats(&self) -> Vec<StageStats> {
        self.monitor.stats()
    }

    /// Watches the pipeline for `within`, and returns the stages that hold events and made no progress in
    /// that time, with the duration and the reason of each stall. Idle stages, which hold no events, are not
    /// included.
    ///
    /// To log a warning instead, see
    /// [`PipelineBuilder::warn_of_stalls`](crate::pipeline::PipelineBuilder::warn_of_stalls).
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn stalls(&self, within: Duration) -> Vec<Stall> {
        self.monitor.stalls(within).await
    }

    /// Returns a reader of the same statistics that outlives this handle.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Returns copy number `copy` of the producer `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::NoSuchStage`] if there is no such stage, or it has another type.
    pub fn producer<P: Producer>(
        &self,
        step: &str,
        copy: usize,
    ) -> Result<StageRef<P, Nothing, P::Event>, CallError> {
        self.stage(step, copy)
    }

    /// Returns copy number `copy` of the producer-consumer `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::NoSuchStage`] if there is no such stage, or it has another type.
    pub fn producer_consumer<S: ProducerConsumer>(
        &self,
        step: &str,
        copy: usize,
    ) -> Result<StageRef<S, S::In, S::Out>, CallError> {
        self.stage(step, copy)
    }

    /// Returns copy number `copy` of the consumer `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// Returns [`CallError::NoSuchStage`] if there is no such stage, or it has another type.
    pub fn consumer<C: Consumer>(
        &self,
        step: &str,
        copy: usize,
    ) -> Result<StageRef<C, C::Event, Nothing>, CallError> {
        self.stage(step, copy)
    }

    fn stage<S, In, Out>(&self, step: &str, copy: usize) -> Result<StageRef<S, In, Out>, CallError>
    where
        S: Send + 'static,
        In: Send + 'static,
        Out: Send + 'static,
    {
        let name = format!("{step}/{copy}");
        let known = self.monitor.stages.iter().find(|known| &*known.step == step && known.copy == copy);
        known
            .and_then(|known| StageRef::of(&known.mailbox))
            .ok_or(CallError::NoSuchStage { stage: name, expected: std::any::type_name::<S>() })
    }

    /// Returns the structure of the pipeline, with its effective options.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.command(Command::Stop);
    }
}
