//! How a running pipeline is watched and ended.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::monitor::Monitor;
use super::stage_ref::StageRef;
use super::stall::Stall;
use super::stalled;
use crate::base::error::{ExitReason, panic_message};
use crate::base::option_error::OptionError;
use crate::base::stats::StageStats;
use crate::pipeline::Topology;
use crate::stage::{CallError, Consumer, Nothing, Producer, ProducerConsumer};
use crate::supervise::Known;
use crate::supervise::{Child, Command, PipelineError, Plan, Report, Supervision};
use crate::sync::Arc;

/// A pipeline that did not start.
#[derive(Clone, stage_macros::ErrorDebug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Options cannot work.
    #[error("the pipeline `{pipeline}` cannot start: {}", list(.errors))]
    Options {
        /// The pipeline.
        pipeline: String,
        /// Everything that is wrong.
        errors: Vec<OptionError>,
    },
    /// A recipe or an `init` failed.
    #[error("the pipeline `{pipeline}` cannot start: the stage `{stage}` {reason}")]
    Stage {
        /// The pipeline.
        pipeline: String,
        /// The stage that did not come up, as `step/copy`.
        stage: String,
        /// Why.
        #[source]
        reason: ExitReason,
    },
}

fn list(errors: &[OptionError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A running pipeline, or [`Supervisor`](crate::Supervisor). Dropping it stops the pipeline.
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
        let stages = children.iter().map(|child| Arc::new(Known::of(child))).collect();
        let mut supervision = Supervision::new(children, plan);
        let (began, exits) = supervision.watched();
        let monitor = Monitor { stages, topology: Arc::new(topology.clone()), began, exits };
        supervision.start().await.map_err(|failure| StartError::Stage {
            pipeline: topology.name.clone(),
            stage: failure.stage,
            reason: failure.reason,
        })?;
        let (commands, commanded) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(None);
        let warnings = stalled::warn(monitor.clone(), plan.stalls);
        let supervised = async move {
            tokio::select! {
                biased;
                result = supervision.supervise(commanded) => result,
                never = warnings => match never {},
            }
        };
        tokio::spawn(async move {
            // Not logged: a subscriber that panics would do so again, and nobody would learn of it.
            let result = AssertUnwindSafe(supervised).catch_unwind().await.unwrap_or_else(|payload| {
                Err(PipelineError::SupervisorPanicked { message: panic_message(&*payload) })
            });
            end.send_replace(Some(result));
        });
        Ok(Self { topology, commands, ended, monitor })
    }

    pub(crate) fn command(&self, command: Command) {
        // A pipeline that has ended needs no command.
        let _ = self.commands.send(command);
    }

    /// Waits until the pipeline has ended by itself, or was ended.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Failed`] if a stage failed more often than the pipeline survives;
    /// [`PipelineError::RuntimeGone`] if the runtime was shut down before the end;
    /// [`PipelineError::SupervisorPanicked`] if the task that supervises the stages panicked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again at any time, from several tasks.
    pub async fn join(&self) -> Result<Report, PipelineError> {
        self.ended().await
    }

    /// [`join`](Self::join), erased so that the crates of users do not compile it again.
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

    /// Ends the sources, lets every stage finish what is in flight, and waits until all have ended. What
    /// is left at the `deadline` is discarded and counted.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The drain goes on when this future is dropped.
    pub async fn drain(&self, deadline: Duration) -> Result<Report, PipelineError> {
        self.command(Command::Drain(deadline));
        self.join().await
    }

    /// Ends every stage after its current callback, the last step first, and waits until all have ended.
    /// Events in flight are discarded and counted. A callback that takes over 5 seconds is cut off.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    ///
    /// # Cancel safety
    ///
    /// The stop goes on when this future is dropped.
    pub async fn stop(&self) -> Result<Report, PipelineError> {
        self.command(Command::Stop);
        self.join().await
    }

    /// What each stage has done and holds now, in the order of the pipeline.
    pub fn stats(&self) -> Vec<StageStats> {
        self.monitor.stats()
    }

    /// Watches the pipeline for `within`, and says which stages hold events and did not get on in that time: which
    /// stage, since when, and what it waits for. Stages that wait for events and hold none are not among them.
    ///
    /// See [`PipelineBuilder::warn_of_stalls`](crate::PipelineBuilder::warn_of_stalls) to be warned.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn stalls(&self, within: Duration) -> Vec<Stall> {
        self.stalled(within).await
    }

    /// [`stalls`](Self::stalls), erased so that the crates of users do not compile it again.
    fn stalled(&self, within: Duration) -> BoxFuture<'_, Vec<Stall>> {
        stalled::stalls(&self.monitor, within).boxed()
    }

    /// A reader of the same numbers that outlives this handle.
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// The producer that is copy number `copy` of `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// [`CallError::NoSuchStage`] if there is no such stage, or it is of another type.
    pub fn producer<P: Producer>(
        &self,
        step: &str,
        copy: usize,
    ) -> Result<StageRef<P, Nothing, P::Event>, CallError> {
        self.stage(step, copy)
    }

    /// The producer-consumer that is copy number `copy` of `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// [`CallError::NoSuchStage`] if there is no such stage, or it is of another type.
    pub fn producer_consumer<S: ProducerConsumer>(
        &self,
        step: &str,
        copy: usize,
    ) -> Result<StageRef<S, S::In, S::Out>, CallError> {
        self.stage(step, copy)
    }

    /// The consumer that is copy number `copy` of `step`, to send it messages.
    ///
    /// # Errors
    ///
    /// [`CallError::NoSuchStage`] if there is no such stage, or it is of another type.
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

    /// What the pipeline looks like, with its effective options.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.command(Command::Stop);
    }
}
